"""Every way in which the emulator can differ from the service as it was last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rushes.testing.sora_emulator.moderation import THIRD_PARTY

ON = "on"
"""The value of a fault that is simply there."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One switch: `value` is its default (None: it takes none), `does` what is then different.

    `area` says when it is looked at. One of "task" or "draft" sticks to the tasks accepted while it is on,
    and its `times` counts those; any other is looked at for each answer, and its `times` counts answers.
    `choices` are all values that it takes, where there are but some. A fault that `counts` takes for its
    value how many answers it spoils.
    """

    area: str
    value: str | None
    does: str
    choices: tuple[str, ...] = ()
    counts: bool = False


def _area(
    area: str, **faults: tuple[str | None, str] | tuple[str | None, str, tuple[str, ...]]
) -> dict[str, Fault]:
    return {
        name.replace("_", "-"): Fault(
            area=area, value=entry[0], does=entry[1], choices=entry[2] if len(entry) == 3 else ()
        )
        for name, entry in faults.items()
    }


def _counting(area: str, **faults: str) -> dict[str, Fault]:
    return {
        name.replace("_", "-"): Fault(area=area, value="1", does=does, counts=True)
        for name, does in faults.items()
    }


_SESSION = _area(
    "session",
    session_dead=(
        "object",
        "the session answers 200 without an access token: {}, null or an empty body",
        ("object", "null", "empty"),
    ),
    session_rotates=(
        "drop",
        "each read of the session sets a new cookie; drop: the old one is dead at once, keep: it lives on",
        ("drop", "keep"),
    ),
    session_cookie_only=(None, "signing in sets a cookie without Max-Age, gone with the browser"),
    session_split=(None, "signing in splits the cookie into .0 and .1"),
    scripted_person=(
        "1",
        "a script fills in the sign-in's pages, so many real seconds after each has loaded",
    ),
    scripted_way=(
        "provider",
        "the scripted person signs in with an identity provider in place of a password and a code",
        ("provider", "password"),
    ),
    session_500=(None, "reading the session answers 500"),
    session_fixed=(None, "reading the session keeps its end where it was"),
)
_TOKEN = _area(
    "token",
    token_lifetime=("3600", "access tokens issued from now on live for so many seconds"),
    token_expired=(None, "the access token that comes next has expired; the session gives another"),
    token_invalidated=(
        "session",
        "the access token that comes next is invalidated; session: all sessions of the account end too",
        ("session", "token"),
    ),
    token_needs_page=(
        None,
        "a new access token comes after a page was loaded only, also for one that has ended",
    ),
    token_unparsable=(None, "the access token that comes next cannot be parsed any more"),
)
_SHIELD = _area(
    "shield",
    challenge=(
        "403",
        "a Cloudflare page in place of an answer: a status (403, 429), words of the paths it is on, or both "
        "with a comma; without words on every call of the API",
    ),
    challenge_headless=(
        "headless",
        "a browser without a window meets a check that only a person in a window passes; everybody: so does "
        "every browser without a clearance, which is good for one address and user agent",
        ("headless", "everybody"),
    ),
    region=("400", "unsupported_country_code on creates and nf/check", ("400", "404")),
    sentinel_reusable=(None, "a sentinel token is good for any number of calls"),
    no_access=(None, "nf/check answers 404: the account has no Sora 2"),
    videos_a_day=("30", "the plan has so many videos a day in place of 100"),
    headers_unchecked=(None, "oai-device-id, Origin and Referer of creates and uploads are not looked at"),
    retry_after=("30", "a create that is answered 402 to 503 names so many seconds in Retry-After"),
)
_CREATE = _area(
    "create",
    sentinel_block=(None, "400 sentinel_block whatever the header holds"),
    unable_to_process=(None, "400 Unable to process request"),
    something_not_right=(None, "400 Hmmm something didn't look right"),
    no_600=(None, "400 for 600 frames, which one source alone saw made"),
    large_pro_only=(None, "400 for the size large with another model than sy_ore"),
    too_many_tasks=("3", "429 too_many_concurrent_tasks, with this many in progress"),
    quota=("3600", "429 rate_limit_exhausted; the quota resets in so many seconds"),
    daily_cap=("100", "429 You've already generated this many videos in the last day"),
    heavy_load=("429", "heavy_load", ("429", "503")),
    payment=(None, "402"),
    phone_number=(None, "403 phone_number_required"),
    drop_before=(None, "the connection is closed before anything is accepted"),
    drop_create=(None, "accepted and logged, then the connection is closed without an answer"),
    slow_create=("5", "accepted, and answered so many real seconds later"),
    create_500_accepted=(
        "500",
        "accepted, and answered with this status all the same",
        ("500", "502", "504"),
    ),
    create_html=(None, "accepted, and answered 200 with a page"),
    create_see_other=(None, "accepted, and answered 303 with an address at which there is nothing"),
    create_list=(None, "accepted, and answered with a list that holds the task"),
    no_moderation=(None, "no words and no pictures are objected to"),
    pixels=(
        "704x1280",
        "the clip has these pixels, which were seen, whatever size and orientation were asked for",
        ("352x640", "512x896", "704x1280", "1920x1080"),
    ),
    no_id=(None, "accepted, and answered 200 without an id"),
    no_balance=(None, "accepted, and answered with the id alone"),
)
_TASK = _area(
    "task",
    listed_late=("3", "not in pending for its first so many polls"),
    progress_null=(None, "progress_pct is null all the way"),
    progress_percent=(None, "progress_pct runs from 0 to 100"),
    unknown_status=("post_processing", "this status while it runs"),
    fails_in_pending=("processing_failed", "fails half-way, and pending says so with this reason"),
    canceled=("task_cancelled", "pending says cancelled half-way, with this reason"),
    vanishes=(None, "never in pending; its draft comes all the same"),
    lost=(None, "never seen anywhere after it was accepted"),
    forgotten=("600", "half-way it is nowhere for so many virtual seconds, then as if nothing had been"),
    stays_when_done=(None, "pending goes on listing it as succeeded, with its generations, for 60 s"),
    never_ends=(None, "runs for ever at 0.9"),
)
_DRAFT = _area(
    "draft",
    drafts_lag=("2", "the first so many reads of the drafts lack it"),
    crowd=("40", "so many newer drafts of other tasks with the same prompt"),
    beyond_first_page=("20", "so many newer drafts of other tasks with other prompts"),
    old_ids=(None, "as before November 2025: the draft's id is the task's, and nothing else links them"),
    violation=(
        THIRD_PARTY,
        "the draft is a sora_content_violation with this reason",
    ),
    render_error=("processing_failed", "the draft is a sora_error with this reason"),
    no_url=(None, "the draft has no address and no reason"),
    no_url_first=("2", "the draft has no address for its first so many reads"),
    no_created_at=(None, "the draft does not say when it was made"),
    no_watermark_null=(
        None,
        "download_urls.no_watermark is null, as in March 2026: whatever has all pixels is the marked file",
    ),
    downloadable_marked=(None, "downloadable_url is the marked file; no_watermark still has none"),
    downloadable_empty=(None, "downloadable_url is an empty string"),
    downloadable_small=(None, "downloadable_url leads to the md preview's pixels"),
    path_not_url=(None, "encodings hold internal paths in place of addresses"),
    encoding_url=(None, "encodings hold url in place of path"),
    preview_only=(None, "url, the md preview, is the only address"),
    url_expired_once=(None, "the addresses of its first read have run out"),
    wrong_size=(None, "the draft says twice the pixels that its files have"),
    silent=(None, "the files have no sound"),
)
_LIST = _area(
    "list",
    extra_fields=(None, "fields nobody has heard of, in tasks and drafts"),
    wrapped_draft=(None, 'a single draft comes as {"draft": …}'),
    empty_page=(None, "the first page of the drafts is empty, with a cursor"),
    cursor_loops=(None, "the last page's cursor leads back to the first page"),
    drafts_v1_only=("404", "drafts/v2 answers with this status", ("404", "410")),
    pending_v1_only=("404", "pending/v2 answers with this status", ("404", "410")),
    tasks_404=(None, "the endpoint of single tasks answers 404"),
    tasks_403=(None, "the endpoint of single tasks answers 403"),
    draft_404=(None, "the endpoint of single drafts answers 404"),
    read_400=(None, "marking a draft as read answers 400"),
)
_POLL = _counting(
    "poll",
    poll_500="so many polls of pending and tasks answer 500",
    drafts_500="so many reads of the drafts answer 500",
) | _area(
    "poll",
    poll_html=(None, "polls of pending and tasks answer 200 with a page"),
    poll_garbage=(None, "polls of pending and tasks answer 200 with half of a JSON text"),
    poll_drop=(None, "polls of pending and tasks are hung up on"),
    poll_hangs=("5", "polls of pending and tasks are silent for so many real seconds, then answer"),
    drafts_html=(None, "reads of the drafts answer 200 with a page"),
)
_MEDIA = _area(
    "media",
    url_expires=("60", "addresses given out from now on run out after so many seconds"),
    media_expired=(None, "files answer 403 as if their address had run out"),
    media_truncated=(
        "cut",
        "files come by half; cut: the connection closes in the middle, short: the half is all there is",
        ("cut", "short"),
    ),
    media_html=(None, "files are a page"),
    media_404=(None, "files answer 404"),
    media_500=(None, "files answer 500"),
    media_no_range=(None, "files come whole, whatever range is asked for"),
    media_slow=("3", "a file takes so many real seconds"),
)
_UPLOAD = _area(
    "upload",
    photo_refused=(None, "400: photorealistic people"),
    upload_user_error=("This image cannot be used.", "file/upload answers 200 with this user_error_message"),
    realistic_person=(None, "file/upload says contains_realistic_person"),
    file_upload_404=(None, "file/upload answers 404; only /backend/uploads works"),
    uploads_404=(None, "/backend/uploads answers 404; only file/upload works"),
    upload_500=(None, "both routes of uploads answer 500"),
)

FAULTS: Mapping[str, Fault] = MappingProxyType(
    _SESSION | _TOKEN | _SHIELD | _CREATE | _TASK | _DRAFT | _LIST | _POLL | _MEDIA | _UPLOAD
)
"""All faults, by their names. With none in force the service is as it was last observed."""

STICKY = tuple(name for name, fault in FAULTS.items() if fault.area in ("task", "draft"))
"""The faults that stick to the tasks accepted while they are on."""
