"""What is said of the server and of each tool. Clients cut each of these at 2 KB."""

from __future__ import annotations

INSTRUCTIONS = """\
rushes makes videos: words and pictures in, a verified MP4 on disk out, paid for once.

How to go about it:
1. quote_video and show the person the price. Free: create_video straight away does as well.
2. Where it costs money: approve_quote (the person is asked), then create_video with the quote_id.
3. create_video answers at once with a job id. Tell the person; the clip is made even if nobody waits.
4. wait_for_video waits up to 45 s; while it says "still running", call it again. Never create again to retry.
5. Look at the pictures it brings, with your own eyes, before you say "done": look_at_video shows bursts and \
single frames too. Compare with what was asked. Then give the path of the file.

Money: the same key, the same quote or the same words again are the same job. A job in outcome_unknown is \
settled by reconcile_job, never made again. After two takes that miss the request ask the person before you \
spend more.
"""

SAID: dict[str, tuple[str, str]] = {
    "quote_video": (
        "Ask for the price",
        """Says what a video would cost and which model would make it; spends nothing and makes nothing.

        Returns a quote_id. Show the person the price. Where it costs money, call approve_quote with the
        quote_id, then create_video with it: exactly this request is made, at this price, once. A quote lasts
        an hour. Without a model the cheapest is chosen that can do all of it and is set up; list_models
        shows what there is. Length and shape are arguments, never part of the prompt. A price that is not
        known needs max_usd: that much is held, and the provider may charge more.""",
    ),
    "approve_quote": (
        "Agree to spend money",
        """THIS SPENDS THE PERSON'S MONEY: it agrees to the price of a quote, and create_video then buys it.

        Call it only after the person has seen the price and wants it. The person is asked through the
        client; where that is not possible it is refused, with a command that the person can run. Agreeing
        to the same quote again changes nothing. A free quote needs no agreement.""",
    ),
    "create_video": (
        "Make a video",
        """Makes a video and answers at once with a job id; it is made whether anybody waits or not.

        Free models need only a prompt; for more than the arguments here quote_video first, free or not. What
        costs money needs the quote_id of an approved quote: without one nothing is sent, and the answer names
        the quote to be approved. Give a key and send the SAME key when you retry: the same key, and the same
        quote_id, is always the same job, and nothing is bought twice.
        The same words are the same job, too: at any age if it was or may have been paid for. Tell the person
        the job id, then wait_for_video.""",
    ),
    "wait_for_video": (
        "Wait for a video",
        """Waits for a job, up to 45 seconds; returns its facts, its contact sheet as a picture and its path.

        While it says "still running" call it again with the same job_id; nothing is lost between calls, and
        the job continues without them. Look at the picture before you tell the person that it is done: twelve
        frames over the whole clip with their times. The facts say how long and large it is, whether it has
        sound and how loud, where it cuts, and what is black or frozen.""",
    ),
    "get_job": (
        "Look up a job",
        """Says where a job stands, at once: state, progress, cost, paths of its clips, and why it failed.

        wait_for_video also waits, and shows the contact sheet.""",
    ),
    "explain_job": (
        "Explain a job",
        """Explains why a job stands where it stands: its state and reason, the money it holds and where that
        counts, the provider's own last words, what happens next automatically and when, and what may be done.

        Use it if a job hangs, is blocked, failed or is in outcome_unknown, before you do anything else.""",
    ),
    "list_jobs": (
        "List jobs",
        """Lists jobs, the newest first, those of earlier conversations and of the command line as well.

        Here is where to look before making anything again.""",
    ),
    "cancel_job": (
        "Cancel a job",
        """Cancels a job: at once if nothing was sent, else its provider is asked to stop it.

        What was sent may be charged all the same; if the provider cannot stop it, the clip is saved when it
        arrives. With abandon=true the job is no longer followed, whatever its provider says: the person is
        asked first. What is held stays held until the person says what it cost (reconcile_job).""",
    ),
    "reconcile_job": (
        "Settle an unknown outcome",
        """Settles a job in outcome_unknown: it was sent, and nobody knows whether the provider accepted it.

        Without more than the job_id the provider's own list is read once more, where it has one. Else ask
        the person to look at the provider's pages: give `accepted` (the id that they show) or `charged_usd`
        (nothing comes of it, and that is what it cost; 0 for nothing). Never guess these: the person is
        asked whether it is so.""",
    ),
    "look_at_video": (
        "Look at a video",
        """Shows a video as pictures, with its facts: an overview, bursts that show motion, or single frames.

        Takes a job id, a clip id, or the absolute path of a file in the library or a folder that was allowed.
        Use bursts to judge whether motion is fluid, frozen or morphing; overview with `start` and `end` to
        find the moment of a fault; frames with `at` to read details.""",
    ),
    "list_models": (
        "List models",
        """Lists the models of the engines that are set up here: what they can do, what they cost.

        animatic/storyboard is always there and free: it draws a storyboard in motion, not a generated video.
        For the models of an engine that is not set up give its name (openrouter, fal, local); their status
        says what is missing, and the command that a person runs to set it.""",
    ),
}
"""Title and description of each tool."""
