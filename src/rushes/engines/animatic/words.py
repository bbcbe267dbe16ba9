"""The words that the reading knows: what they speak for, and whether it is then drawn.

Three tables say what a word speaks for. `NAMES`: it is drawn, as what the table's key says. `PLACES`: it
says as much about the setting, but is not drawn itself. `HINTS`: it says a little, and is not drawn itself.
`PARTS` are the things that a picture really holds when the shot is of all that its key lists. `FILM` and
`COMPOUNDS` are phrases whose words would mislead one by one.

A word stands for itself and its plural, one with "*" for any ending. Of phrases that overlap the longest
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rushes.engines.animatic.shot import Angle, Framing, Move, Setting, Subject, Time, Weather


class Seen(StrEnum):
    """What a shot leaves in sight: the sky, and the disc of the sun or the moon in it."""

    SKY = "sky"
    SUN = "sun"


NAMES: Mapping[StrEnum, str] = {
    Setting.SEA: "sea, ocean, seascape, open water, atlantic, pacific, lake",
    Setting.MOUNTAINS: "mountain, mountainous, alps, alpine, highland, mountainside, mountaintop, himalaya*",
    Setting.CITY: (
        "city, city street, street, alley, alleyway, avenue, downtown, boulevard, town, urban, cityscape, "
        "crosswalk, intersection"
    ),
    Setting.FOREST: "forest, wood, woods, woodland, woodlands, grove, thicket, pine forest, birch forest",
    Setting.INTERIOR: (
        "interior, indoor, indoors, room, living room, apartment, study, reading nook, nook, lounge"
    ),
    Setting.DESERT: "desert, dune, sand dune, sahara",
    Setting.PLAIN: "plain, open land, steppe, prairie, savanna*, grassland, field, open field, tundra",
    Time.DAWN: (
        "dawn, sunrise, daybreak, early morning, first light, sunup, morning, break of day, morning light, "
        "early morning light, dawn light, morning sun"
    ),
    Time.DAY: "day, noon, midday, daylight, afternoon, daytime, sunny day, midmorning, broad daylight",
    Time.DUSK: (
        "dusk, sunset, golden hour, twilight, evening, sundown, blue hour, magic hour, gloaming, nightfall, "
        "setting sun, sun sets, sun setting, sun is setting, sun goes down, sun going down, late afternoon, "
        "sunset light, evening light"
    ),
    Time.NIGHT: "night, nighttime, midnight, after dark, moonlit, night time, nocturnal",
    Weather.CLEAR: "clear, sunny, cloudless, blue sky, blue skies, clear sky, fair weather",
    Weather.RAIN: (
        "rain, rainy, raining, raindrop, rainfall, rainstorm, drizzl*, storm, stormy, thunderstorm, downpour,"
        " monsoon, pouring rain, heavy rain, deluge, typhoon, hurricane, rain soaked, rain slicked, rain "
        "shower"
    ),
    Weather.SNOW: (
        "snow, snowy, snowing, snowfall, snowflake, snowstorm, blizzard, flurries, snowbound, falling snow, "
        "snow covered, snowdrift, snow storm, winter storm, ice storm"
    ),
    Weather.FOG: "fog, foggy, mist, misty, haze, hazy, brume, fogbank",
    Move.STATIC: (
        "static, locked off, tripod, fixed camera, still camera, no camera movement, stationary camera, fixed"
        " shot, motionless camera, camera does not move, camera holds still, static shot, static camera, "
        "camera holds static, camera remains still, camera stays still, camera is static, camera is still, "
        "camera is completely steady, stationary shot, locked camera"
    ),
    Move.PUSH_IN: (
        "push in, pushes in, pushing in, pushes slowly in, dolly in, dollies in, dolly forward, zoom in, "
        "zooms in, zooming in, track in, tracks in, track forward, creep in, creeps in, push forward, pushes "
        "forward, push toward, push towards, pushes toward, pushes towards, dolly toward, dolly towards, "
        "zooms towards, closing in, camera approaches, approaching shot, truck in, move in, moves in, moving "
        "in, moves closer, zoom, zooms"
    ),
    Move.PULL_OUT: (
        "pull out, pulls out, pulling out, pull back, pulls back, pulling back, pullback, pull away, pulls "
        "away, dolly out, dollies out, dolly back, dolly backward, zoom out, zooms out, zooming out, track "
        "out, tracks back, track back, reveal shot, widens out"
    ),
    Move.PAN_LEFT: (
        "pan left, pans left, panning left, pan to the left, pans to the left, panning to the left, truck "
        "left, trucks left, truck to the left, track left, tracks left, dolly left, leftward pan, left pan, "
        "camera left"
    ),
    Move.PAN_RIGHT: (
        "pan right, pans right, panning right, pan to the right, pans to the right, panning to the right, "
        "truck right, trucks right, truck to the right, track right, tracks right, dolly right, rightward "
        "pan, right pan, camera right, pans, panning, pan shot, panning shot, panoramic sweep, slow pan"
    ),
    Move.TILT_UP: (
        "tilt up, tilts up, tilting up, tilt upward, tilts upward, crane up, cranes up, craning up, pedestal "
        "up, boom up, rising shot, pan up, pans up, panning up, upward tilt, tilts skyward, jib up, crane "
        "shot rising"
    ),
    Move.TILT_DOWN: (
        "tilt down, tilts down, tilting down, tilt downward, tilts downward, crane down, cranes down, craning"
        " down, pedestal down, boom down, pan down, pans down, panning down, downward tilt, jib down"
    ),
    Angle.EYE_LEVEL: "eye level, eye level camera angle, eye level angle, eye level shot",
    Angle.LOW: (
        "low angle, low camera angle, worm's eye view, worm's eye, shot from below, seen from below, view "
        "from below, viewed from below, low camera view, low view, upward camera angle, ground level, low "
        "angle shot, low angle view, gutter height, camera low to the ground"
    ),
    Angle.HIGH: (
        "high angle, high camera angle, high angle shot, high angle view, shot from above, seen from above, "
        "viewed from above, view from above, elevated view, aerial, aerial view, aerial shot, drone shot, "
        "drone view, aerial drone shot, drone footage, aerial footage, birds eye, bird's eye, bird's eye "
        "view, birds eye view, bird's eye shot"
    ),
    Angle.OVERHEAD: (
        "top view, overhead view, overhead shot, from overhead, overhead perspective, straight overhead, "
        "overhead angle, overhead camera, top down, top down view, "
        "top down shot, camera straight down, directly above, looking straight down, from directly above, top"
        " down aerial drone shot, god's eye"
    ),
    Framing.MEDIUM: "medium shot, mid shot, midshot, medium framing",
    Framing.CLOSE_UP: (
        "close up, closeup, close up shot, extreme close up, medium close up, tight shot, tight framing, "
        "close shot, tight close up, macro, macro shot"
    ),
    Framing.WIDE: (
        "wide shot, wide view, wide angle, wide angle shot, wide angle view, establishing shot, establishing,"
        " long shot, extreme wide shot, extreme long shot, ultra wide, ultra wide shot, very wide shot, wide "
        "establishing, wide establishing shot, static wide, wide framing"
    ),
    Subject.SHIP: "sailing boat, sailboat, yacht, schooner, sailing ship",
    Subject.PAPER_BOAT: "paper boat, paper ship, origami boat, newspaper boat",
    Subject.BOAT: "boat, fishing boat, ferry, trawler, tugboat, motorboat",
    Subject.LIGHTHOUSE: "lighthouse",
    Subject.CAR: "car, taxi, cab, automobile, sedan",
    Subject.TRAIN: "train, tram, subway train, metro train",
    Subject.DEER: "deer, stag, elk, moose, reindeer, caribou",
    Subject.BIRD: "bird, gull, seagull, geese, goose, swallow, dove, pigeon, crow, raven, flock of birds",
    Subject.CABIN: "cabin, hut, cottage, chalet, lodge, house, log cabin, farmhouse, barn",
    Subject.PERSON: (
        "person, man, woman, girl, boy, child, figure, traveler, traveller, hiker, stranger, someone, "
        "people, men, women, children, couple, lady, old man, old woman, young man, young woman, human, "
        "1girl, 1boy, 2girls, 2boys, firefighter, individual, visitor, passenger, vendor, merchant, "
        "grandma, grandpa, teen, volunteer, shopper, brunette, parent, workers, pedestrian, tourist, "
        "passerby, friend, kid, adult, guy, he, she"
    ),
}

PLACES: Mapping[StrEnum, str] = {
    Setting.SEA: (
        "harbour, harbor, wave, beach, shore, shoreline, coast*, bay, surf, seaside, tide, lagoon, reef, "
        "island, pier, fjord, marina, mediterranean, maritime, regatta, seabed, underwater, waterfront, "
        "headland, san francisco bay, port, docked, dockside, seaport"
    ),
    Setting.MOUNTAINS: (
        "peak, summit, ridge, valley, glacier, andes, everest, plateau, volcano, hill, hillside, hilltop, "
        "mountain range, mount, mt, mount fuji, mount everest, mount rushmore, kilimanjaro, matterhorn, "
        "alpine meadow, mountain meadow"
    ),
    Setting.CITY: (
        "skyline, skyscraper, sidewalk, pavement, tokyo, paris, london, new york, manhattan, venice, "
        "cyberpunk, subway, metropolis, metropolitan, suburb, cobblestone*, cobbled, shopfront, storefront,"
        " lamppost, streetlight, street light, street lamp, streetlamp, rooftop, highway, traffic, times "
        "square, village, market, plaza, motorway, hong kong, berlin, mumbai, delhi, sydney, los angeles, "
        "san francisco, chicago, dubai, seoul, beijing, istanbul, singapore, chinatown, kyoto, bangkok, "
        "barcelona, prague, amsterdam, rio de janeiro, toronto, rome, shanghai, wet street, wet road, wet "
        "asphalt, wet pavement"
    ),
    Setting.FOREST: "jungle, rainforest, redwood, taiga, glade, undergrowth, canopy, swamp, bamboo, clearing",
    Setting.INTERIOR: (
        "kitchen, office, bedroom, cafe, café, library, studio, sofa, couch, hallway, corridor, restaurant, "
        "classroom, fireplace, window sill, windowsill, attic, diner, lobby, bathroom, museum, gallery, "
        "workshop, bookshop, bookstore, coffee shop, laboratory, lab, hotel, tavern, pub, bar, elevator, "
        "stadium, theater, theatre, church interior, cathedral interior, temple interior, desk, garage, shop,"
        " ballroom, barbershop, greenhouse, warehouse, factory, gym, spaceship interior, cockpit, airport, "
        "terminal, train station, subway station, int, waiting room, bakery, supermarket, aquarium, "
        "nightclub, concert hall, auditorium, fast food restaurant"
    ),
    Setting.DESERT: "sand, sandy, canyon, mesa, badlands, mars, martian, cactus, oasis, wasteland",
    Setting.PLAIN: (
        "meadow, pasture, farm, vineyard, wheat field, farmland, countryside, tall grass, runway, road trip, "
        "horizon, lawn, yard, backyard, park bench"
    ),
}

HINTS: Mapping[StrEnum, str] = {
    Setting.SEA: (
        "wave crest, on the water, in the water, into the water, over the water, across the water, under the "
        "water, the water, waters, water surface, water edge, blue water, clear water, calm water, turquoise "
        "water, deep water, crystal clear water, cliff, dock, sailing, seagull, whale, dolphin, fish, shark, "
        "turtle, surfer, swimmer, surfboard, jellyfish, octopus, coral, sail, sailor, fisherman, buoy, "
        "anchor, rowboat, canoe, kayak, raft, gondola, underwater, mermaid, submarine, diver, river, pond, "
        "stream, beach umbrella"
    ),
    Setting.MOUNTAINS: (
        "snowy peak, snow capped, snowcapped, climber, eagle, rock, goat, ski*, snowboard*, avalanche, "
        "monastery, waterfall"
    ),
    Setting.CITY: (
        "neon sign, neon light, neon lit, shop window, lit window, glowing sign, road, lane, building, bus, "
        "taxi, tram, bridge, neon, billboard, crowd, skateboard*, umbrella, motorcycle, motorbike, tower, "
        "limousine, pedestrian, parkour, hologram*"
    ),
    Setting.FOREST: (
        "pine tree, tree trunk, tree branch, tree, park, trail, mushroom, moss*, garden, orchard, leaf, "
        "leaves, fox, owl, wolf, bear, fern, birch, oak, pine, squirrel, firefly, fireflies, fairy, elf, "
        "woodpecker, campfire, bark"
    ),
    Setting.INTERIOR: (
        "potted plant, floor lamp, wooden floor, framed picture, rug, window frame, lamp, table, curtain, "
        "home, armchair, bed, bath, candle, book, bookshelf, bookshelves, bookcase, piano, cup, mug, coffee, "
        "tea, plate, chef, sushi, cooking, cake, dessert, laptop, chair, shelf, chandelier, carpet, window, "
        "canvas, mirror, computer, guitar, wine, breakfast, dinner, product shot, product, bottle, bowl, "
        "vase, counter, keyboard, monitor, door, ceiling, food, dough, stove, inside, in a house, in the "
        "house, at home, tv, television, oven, fridge, refrigerator, teapot, pizza, ramen, noodle, pasta, "
        "spaghetti, hamburger, cheeseburger, burger, sandwich, salad, soup, bread, cheese, beer, cocktail, "
        "cappuccino, espresso, latte, pancake, steak, cookie, chocolate, chessboard"
    ),
    Setting.DESERT: (
        "camel, caravan, pyramid, tumbleweed, rover, oil rig, surface of the moon, moon surface, lunar "
        "surface, on the moon"
    ),
    Setting.PLAIN: (
        "horse, cow, sheep, tractor, windmill, sunflower, lion, elephant, zebra, giraffe, kite, grass"
    ),
    Time.DAWN: "dew, sun rising, sun rises, rising sun, breakfast",
    Time.DAY: "sunlit, sunshine, sunlight, sunny, sunbeam, summer",
    Time.DUSK: "golden light, low sun, dusky",
    Time.NIGHT: (
        "neon sign, neon light, neon lit, moonlight, moon, starry, star, starlight, neon, starlit, milky way,"
        " aurora, fireflies, candlelit, candlelight, northern lights, nightclub, galaxy, headlights, "
        "campfire, starry sky, dark sky, dark street, dark alley, dark forest, dark night, full moon, night "
        "sky, nebula, outer space, cosmos, surface of the moon, moon surface, lunar surface, on the moon"
    ),
    Weather.RAIN: (
        "thunder*, umbrella, puddle, lightning, raincoat, wet street, wet road, wet asphalt, wet pavement, "
        "storm cloud"
    ),
    Weather.SNOW: "winter*, sleet, frosty, ski*, snowman",
    Weather.FOG: "murk*, smog, low cloud",
    Angle.HIGH: "drone",
    Framing.CLOSE_UP: "portrait shot, headshot, detail shot, droplet, eyelash*",
    Framing.WIDE: "panorama, panoramic, vast, sweeping vista",
    Subject.SHIP: "ship, galleon, pirate ship, viking ship",
    Subject.BOAT: "rowboat, canoe, kayak, dinghy, raft, gondola, toy boat",
    Subject.CAR: (
        "van, limousine, jeep, truck, suv, convertible, sports car, race car, racing car, pickup truck"
    ),
    Subject.TRAIN: "locomotive, steam train, steam locomotive",
    Subject.PERSON: (
        "climber, detective, walker, dancer, astronaut, surfer, runner, fisherman, monk, wizard, knight, "
        "soldier, musician, cyclist, reader, artist, scientist, worker, samurai, chef, painter, athlete, "
        "farmer, doctor, nurse, teacher, student, singer, sailor, cowboy, pirate, warrior, witch, king, "
        "queen, princess, prince, ballerina, skater, skateboarder, swimmer, driver, pilot, businessman, "
        "businesswoman, waiter, barista, baker, guard, keeper, lighthouse keeper, explorer, bride, groom, "
        "baby, toddler, grandmother, grandfather, mother, father, model, geisha, ninja, boxer, diver, "
        "teenager, actor, actress, photographer, drummer, guitarist, pianist, violinist, player, family, "
        "officer, police officer, policeman, cop, protagonist, hero, heroine, gentleman, customer, villager, "
        "crowd, hunter, archer, magician, butcher, carpenter, blacksmith, gardener, tailor, fisher, shepherd,"
        " commuter, ninja, influencer, host, elder, half elf, sorcerer, viking, astronauts"
    ),
}

PARTS: tuple[tuple[tuple[StrEnum, ...], str], ...] = (
    (
        (Setting.SEA,),
        "wave, water, on the water, in the water, into the water, over the water, across the water, under the"
        " water, the water, waters, water surface, water edge, blue water, clear water, calm water, turquoise"
        " water, deep water, crystal clear water, swell, surf, foam, horizon, headland, coastline, crest, "
        "whitecap, wave crest, ripple",
    ),
    (
        (Setting.MOUNTAINS,),
        "mountain range, peak, summit, ridge, hill, hillside, slope, snow capped, snowcapped, meadow, pine, "
        "tree, pine tree, rock, snowy peak, fir",
    ),
    (
        (Setting.CITY,),
        "building, house, window, road, pavement, sidewalk, street lamp, streetlamp, streetlight, street "
        "light, lamppost, tower, skyline, storefront, shopfront, shop window, shop, sign, awning, kerb, curb,"
        " skyscraper",
    ),
    ((Setting.CITY, Time.NIGHT), "neon sign, neon, neon light, neon lit, lit window, glowing sign"),
    (
        (Setting.CITY, Weather.RAIN),
        "reflection, reflecting, wet, wet pavement, wet street, wet road, wet asphalt",
    ),
    (
        (Setting.FOREST,),
        "tree, trunk, tree trunk, path, trail, fern, undergrowth, branch, branches, bough, leaves, leaf, "
        "foliage, pine, pine tree, canopy, sunbeam, light shafts, shafts of light",
    ),
    ((Setting.FOREST, Time.NIGHT), "firefly, fireflies"),
    ((Setting.FOREST, Time.DUSK), "firefly, fireflies"),
    (
        (Setting.INTERIOR,),
        "window, curtain, lamp, floor lamp, book, bookcase, bookshelf, bookshelves, armchair, table, cup, "
        "rug, wooden floor, wall, ceiling, plant, potted plant, dust motes, dust particles, window frame, "
        "framed picture, windowsill, window sill, inside",
    ),
    ((Setting.DESERT,), "sand, sandy, horizon"),
    ((Setting.PLAIN,), "horizon, grass, lawn, meadow, pasture"),
    ((Seen.SKY,), "sky"),
    ((Seen.SKY, Weather.CLEAR), "cloud"),
    ((Seen.SKY, Time.NIGHT, Weather.CLEAR), "star, starry, starry sky, night sky, starlight"),
    ((Seen.SUN, Time.NIGHT, Weather.CLEAR), "moon, full moon"),
    ((Time.NIGHT, Weather.CLEAR), "moonlight"),
    ((Seen.SUN, Time.DAY, Weather.CLEAR), "sun"),
    ((Time.DAY, Weather.CLEAR), "sunny, sunlight, sunlit, sunshine"),
    ((Seen.SUN, Time.DAWN, Weather.CLEAR), "sun, rising sun"),
    ((Time.DAWN, Weather.CLEAR), "warm light"),
    ((Seen.SUN, Time.DUSK, Weather.CLEAR), "sun, low sun"),
    ((Time.DUSK, Weather.CLEAR), "golden light, warm light"),
    ((Weather.RAIN,), "falling, fall, pouring, overcast, grey sky, gray sky, overcast sky"),
    ((Weather.SNOW,), "falling, fall, overcast, overcast sky"),
    ((Weather.FOG,), "drifting, drift, low cloud"),
    (
        (Subject.LIGHTHOUSE,),
        "lamp room, lantern room, lamp, red and white, striped, tower, stand, standing, lit",
    ),
    ((Subject.PERSON,), "red coat, red jacket, coat, stand, standing"),
    ((Subject.CABIN,), "roof, door, window, chimney, stand, standing"),
    ((Subject.DEER,), "antler, stand, standing"),
    ((Subject.BIRD,), "fly, flies, flying, soar, soaring, glide, gliding, flock, silhouette"),
    ((Subject.CAR,), "taillight, tail light, from behind"),
    ((Subject.TRAIN,), "headlight"),
    ((Subject.SHIP,), "sail, mast, floating, float, bobbing, bob, white sails, afloat"),
    ((Subject.BOAT,), "mast, floating, float, bobbing, bob, afloat"),
    ((Subject.PAPER_BOAT,), "floating, float, bobbing, bob, folded, origami, afloat"),
)

COLOURS: Mapping[Subject, frozenset[str]] = {
    Subject.CAR: frozenset({"red"}),
    Subject.BOAT: frozenset({"red"}),
    Subject.PAPER_BOAT: frozenset({"white"}),
}
"""The colours in which a subject is drawn by day, as the word before its noun may say."""

CAMERA_VERBS: Mapping[Move, str] = {
    Move.STATIC: "stationary, holds steady, does not move, remains static, stays static, static",
    Move.PUSH_IN: (
        "moves forward, moves in, moves closer, moves toward, moves towards, moving forward, glides forward, "
        "flies forward, fly forward, glides in, approaches, pushes, flies in, advances, swoops in, moving "
        "closer, glides toward, glides towards, flies toward, flies towards, dollies"
    ),
    Move.PULL_OUT: (
        "moves back, moves backward, moves backwards, retreats, backs away, glides back, moves away, widens, "
        "moving back, flies back, pulls"
    ),
    Move.PAN_LEFT: (
        "drift left, drifts left, drifting left, drifts to the left, slide left, slides left, slides to the "
        "left, move left, moves left, moves to the left, sweeps left, turns left, glides left, right to left"
    ),
    Move.PAN_RIGHT: (
        "drift right, drifts right, drifting right, drifts to the right, slide right, slides right, slides to"
        " the right, move right, moves right, moves to the right, sweeps right, turns right, glides right, "
        "left to right, pan, pans"
    ),
    Move.TILT_UP: (
        "rises, rises up, looks up, look up, looking up, moves up, moves upward, lifts, climbs, ascends, "
        "rising, tilts, soars up"
    ),
    Move.TILT_DOWN: (
        "descends, lowers, sinks, looks down, look down, looking down, moves down, moves downward, drops, "
        "descending, swoops down, cranes"
    ),
}
"""What says where the camera goes only after a word for the camera: people look up and drift left as well."""

FILM = (
    "slow motion, time lapse, timelapse, hyperlapse, live action, depth of field, shallow depth of field, "
    "dutch angle, over the shoulder, over the shoulder shot, tracking shot, point of view, pov, dolly zoom, "
    "motion blur, lens flare, film grain, tilt shift, handheld, hand held, fish eye, rack focus, crane shot, "
    "dolly shot, steadicam, whip pan, black and white, black background, white background, stop motion, 360 "
    "degree rotation, product shot, first person, third person, split screen, warm lighting, soft lighting, "
    "dramatic lighting, film noir, fpv, fpv shot, fpv drone shot, first person view"
)

COMPOUNDS = (
    "teddy bear, evening wear, evening gown, evening dress, night gown, lamp room, lantern room, engine "
    "room, head room, sea of clouds, sea of people, a wave of, waves at us, waves at the camera, waves to "
    "the, waves goodbye, wave goodbye, table mountain, tree house, treehouse, crystal clear, snow leopard, "
    "snow globe, sea turtle, sea lion, mountain lion, mountain goat, mountain bike, mountain biker, street "
    "food, street performer, street musician, street artist, street vendor, forest fire, forest spirit, "
    "house cat, night club, polar bear, wooden, golden retriever, river bank, rain cloud, dust storm, "
    "sandstorm, space station, bus stop, train station, train tracks, car park, book cover, window display,"
    " star wars, day dream, cat woman, sand castle, ice cream, hot dog, time machine, table tennis, desert "
    "eagle, flying car, plain white, plain background, crystal ball, football field, magnetic field, force "
    "field, asteroid field, field of view, green house, beach hat, beach ball, beach towel, cape town, "
    "cloud of smoke, clouds of smoke, cloud of dust, clouds of dust, cloud of steam, clouds of steam, "
    "golden gate bridge, big ben, hot air balloon, traffic light, water balloon, rain boots, snow boots, "
    "star shaped, window shopping, sail away, field trip, mountain dew, city hall, sun hat, sunhat, sun "
    "dress, food truck, amusement park, theme park, skate park, jet of water, glass of water, bottle of "
    "water, bowl of water, drop of water"
)
