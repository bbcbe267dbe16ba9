"""The words that name a setting, a time, a weather, a camera move or a subject.

A word stands for itself and its plural, one with "*" for any ending. Of two that overlap the longer counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from rushes.engines.animatic.shot import Move, Setting, Subject, Time, Weather

SETTINGS: Mapping[Setting, str] = {
    Setting.SEA: (
        "sea, ocean, harbour, harbor, wave, beach, shore, shoreline, coast*, bay, surf, seaside, tide, "
        "lagoon, reef, island, pier, fjord, marina, atlantic, pacific, mediterranean, seascape, maritime, "
        "regatta"
    ),
    Setting.MOUNTAINS: (
        "mountain, mountainous, mountaintop, peak, alp*, summit, ridge, valley, canyon, glacier, "
        "himalaya*, andes, everest, highland, plateau, mesa, desert, dune, volcano, steppe, tundra"
    ),
    Setting.CITY: (
        "city, street, alley, alleyway, avenue, neon, downtown, urban, skyline, skyscraper, boulevard, "
        "sidewalk, pavement, crosswalk, town, tokyo, paris, london, york, manhattan, cyberpunk, highway, "
        "subway, metropolis, suburb, cobblestone*, cobbled, shopfront, storefront, lamppost, streetlight, "
        "streetlamp"
    ),
    Setting.FOREST: (
        "forest, wood, woods, woodland, pine, jungle, grove, rainforest, fern, birch, oak, redwood, "
        "taiga, glade, thicket, undergrowth, canopy, swamp, bamboo"
    ),
    Setting.INTERIOR: (
        "interior, indoor, room, kitchen, office, bedroom, cafe, café, living room, library, studio, "
        "sofa, couch, hallway, corridor, restaurant, classroom, fireplace, window sill, windowsill, "
        "apartment, attic, diner, lobby, bathroom, museum, gallery, workshop, bookshop, coffee shop, "
        "reading nook, nook, cabin interior, laboratory, hotel"
    ),
}

HINTS: Mapping[Setting, str] = {  # say where only if nothing above does
    Setting.SEA: (
        "lake, cliff, dock, underwater, seagull, sailing, sailboat, yacht, lighthouse, river, water"
    ),
    Setting.MOUNTAINS: (
        "hill, hillside, field, meadow, climber, hiker, countryside, prairie, sky, horizon, eagle, rock"
    ),
    Setting.CITY: (
        "road, lane, building, bus, taxi, tram, traffic, rooftop, village, market, plaza, bridge, car"
    ),
    Setting.FOREST: (
        "tree, park, trail, deer, mushroom, moss*, garden, orchard, leaf, leaves, fox, owl, stag"
    ),
    Setting.INTERIOR: (
        "house, lamp, table, inside, desk, curtain, bar, home, armchair, bed, bath, candle, book, piano"
    ),
}

TIMES: Mapping[Time, str] = {
    Time.DAWN: ("dawn, sunrise, daybreak, early morning, first light, sunup, morning, break of day"),
    Time.DAY: ("day, noon, midday, daylight, afternoon, daytime, sunny, sunlit, sunshine, sunlight, bright"),
    Time.DUSK: (
        "dusk, sunset, golden hour, twilight, evening, sundown, blue hour, magic hour, gloaming, nightfall"
    ),
    Time.NIGHT: (
        "night, nighttime, midnight, moonlit, moonlight, moon, starry, stars, starlight, nocturnal, neon, "
        "starlit, milky way, aurora, fireflies, after dark, dark, candlelit"
    ),
}

WEATHERS: Mapping[Weather, str] = {
    Weather.CLEAR: ("clear, sunny, cloudless, sunshine, blue sky, blue skies, fair weather, starry"),
    Weather.RAIN: (
        "rain, rainy, raining, raindrop, rainfall, rainstorm, drizzl*, storm, stormy, thunder*, downpour, "
        "wet, shower, monsoon, pouring, umbrella, puddle, deluge, lightning, typhoon, hurricane"
    ),
    Weather.SNOW: (
        "snow, snowy, snowing, snowfall, snowflake, snowstorm, blizzard, winter*, sleet, flurries, "
        "frosty, snowbound, snowdrift, christmas"
    ),
    Weather.FOG: (
        "fog, foggy, mist, misty, haze, hazy, murk*, smog, brume, low cloud, fogbank, smoke, smoky"
    ),
}

MOVES: Mapping[Move, str] = {
    Move.STATIC: (
        "static, locked off, tripod, fixed camera, still camera, no camera movement, stationary, fixed "
        "shot, motionless camera, camera does not move, camera holds still, static shot"
    ),
    Move.PUSH_IN: (
        "push in, pushes in, pushing in, dolly in, dollies in, dolly forward, zoom in, zooms in, zooming "
        "in, move in, moves in, moving in, track in, tracks in, track forward, creep in, creeps in, "
        "camera moves forward, moves forward, push forward, pushes forward, push toward, push towards, "
        "pushes toward, pushes towards, moves closer, moves toward, moves towards, dolly toward, dolly "
        "towards, closing in, glides forward, flies forward, fly forward, camera approaches, approaching "
        "shot"
    ),
    Move.PULL_OUT: (
        "pull out, pulls out, pulling out, pull back, pulls back, pulling back, pullback, pull away, "
        "pulls away, dolly out, dollies out, dolly back, dolly backward, zoom out, zooms out, zooming "
        "out, moves back, moves backward, moves backwards, track out, tracks back, track back, camera "
        "retreats, camera backs away, backs away, widens out, reveal shot, glides back, moves away"
    ),
    Move.PAN_LEFT: (
        "pan left, pans left, panning left, pan to the left, pans to the left, panning to the left, truck "
        "left, trucks left, truck to the left, track left, tracks left, drift left, drifts left, drifting "
        "left, drifts to the left, slide left, slides left, slides to the left, move left, moves left, "
        "moves to the left, dolly left, leftward pan, left pan, right to left, sweeps left, turns left, "
        "glides left, camera left"
    ),
    Move.PAN_RIGHT: (
        "pan right, pans right, panning right, pan to the right, pans to the right, panning to the right, "
        "truck right, trucks right, truck to the right, track right, tracks right, drift right, drifts "
        "right, drifting right, drifts to the right, slide right, slides right, slides to the right, move "
        "right, moves right, moves to the right, dolly right, rightward pan, right pan, left to right, "
        "sweeps right, turns right, glides right, camera right, pan, pans, panning, pan shot, panning "
        "shot, panoramic sweep"
    ),
    Move.TILT_UP: (
        "tilt up, tilts up, tilting up, tilt upward, tilts upward, crane up, cranes up, craning up, "
        "pedestal up, boom up, camera rises, rises up, rising shot, pan up, pans up, panning up, look up, "
        "looks up, looking up, moves up, moves upward, upward tilt, tilts skyward, camera lifts, camera "
        "climbs, jib up, camera ascends"
    ),
    Move.TILT_DOWN: (
        "tilt down, tilts down, tilting down, tilt downward, tilts downward, crane down, cranes down, "
        "craning down, pedestal down, boom down, camera descends, camera lowers, camera sinks, pan down, "
        "pans down, panning down, looks down, look down, looking down, moves down, moves downward, "
        "downward tilt, jib down, camera drops"
    ),
}

SUBJECTS: Mapping[Subject, str] = {
    Subject.SHIP: ("sailing boat, sailboat, yacht, ship, schooner, sailing ship, galleon, sails"),
    Subject.PAPER_BOAT: ("paper boat, paper ship, origami boat, toy boat"),
    Subject.BOAT: ("boat, rowboat, canoe, kayak, dinghy, raft, ferry, fishing boat, gondola"),
    Subject.LIGHTHOUSE: ("lighthouse, beacon"),
    Subject.CAR: ("car, taxi, cab, truck driving, van, limousine, automobile, sedan, bus, jeep"),
    Subject.TRAIN: ("train, tram, locomotive"),
    Subject.ANIMAL: ("deer, stag, fox, wolf, horse, dog, cat, bear, elk, moose, animal, goat"),
    Subject.BIRD: ("bird, gull, seagull, eagle, crow, raven, hawk, owl, heron, geese, swallow, dove, pigeon"),
    Subject.CABIN: ("cabin, hut, cottage, chalet, lodge, barn, tent"),
    Subject.PERSON: (
        "person, man, woman, girl, boy, child, figure, traveler, traveller, hiker, climber, stranger, "
        "detective, walker, dancer, someone, he, she, people, couple, astronaut, robot, lady, surfer, "
        "runner, fisherman, monk, wizard, knight, soldier, old man, musician, cyclist, reader, artist, "
        "scientist, worker"
    ),
}
