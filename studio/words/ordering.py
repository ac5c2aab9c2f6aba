"""The ways to a clip besides `/animate` with both files: message menus, the form, and the help."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "form_title": "Your clip",
    "order_free": "-# Nothing is charged before you send this.",
    "order_not_charged": "Nothing is charged before you send this.",
    "order_picture_there": "Picture: {name}. Nothing is charged before you send this.",
    "order_has_picture": "Picture: **{name}**",
    "order_has_video": "Motion: **{name}**",
    "order_has_both": "Picture: **{name}**\nMotion: **{video}**",
    "form_picture": "The picture that should move",
    "order_picture_hint": "A person, seen from the waist up or whole",
    "form_video": "The video whose motion it gets",
    "order_video_hint": "3 to 30 s, one person moving",
    "form_motion": "A motion from this server",
    "form_video_instead": "Or a video of your own",
    "choice_own_video": "A video of my own",
    "motion_length": "{seconds:number} s",
    "order_more_motions": "The server has more motions: /animate with “motion” finds them",
    "order_keep": "Leave it empty to keep {name}",
    "form_prompt": "What the scene should look like",
    "form_prompt_hint": "You can leave this empty",
    "form_orientation": "Which way the figure faces",
    "form_sound": "Keep the video's sound",
    "form_again": "Open the form again",
    "choice_orientation_auto": "by the video's length",
    "picked_motion": (
        "Kept as the motion of your next clip: **{name}**. I will forget it {until}. Nothing was charged. "
        "Now choose a picture: with the button, with “Animate this” on a message, or with /animate."
    ),
    "picked_picture": (
        "Kept as the picture of your next clip: **{name}**. I will forget it {until}. Nothing was charged. "
        "Now choose a video: with the button, with “Animate this” on a message, or with /animate."
    ),
    "picked_both": (
        "Kept: the picture **{picture}** and the motion **{video}**. I will forget them {until}. "
        "Nothing was charged. The button shows you both and starts the clip."
    ),
    "button_choose_picture": "Choose the picture",
    "button_choose_video": "Choose the video",
    "button_make": "Make the clip",
    "button_form": "Choose picture and video",
    "button_same_picture": "Same picture again",
    "last_picture": "Your last picture: **{name}**",
    "alt_last_picture": "The picture of your last clip, {name}",
    "order_there": "-# {name} is still there.",
    "help_title": "### A picture learns to move",
    "help_text": (
        "Your picture gets the motion of a video, and comes back as a clip in a few minutes. "
        "Nothing is charged before you order it."
    ),
    "help_ways": (
        "**Ways to a clip**\n"
        "1. **/animate** with a picture and a video\n"
        "2. Hold a message (or right-click it) → **Apps** → **Animate this**: takes what is in it\n"
        "3. **Use as motion** or **Use as picture** there keeps it 15 minutes for your next clip\n"
        "4. The button below asks for both files"
    ),
    "alt_help": (
        "A still figure in a picture, plus a film strip of somebody dancing, "
        "becomes the figure of the picture, dancing"
    ),
    "card_last_time_orientation_video": "As last time: the figure faces like the video.",
    "card_last_time_orientation_image": "As last time: the figure faces like the picture.",
    "card_last_time_orientation_auto": "As last time: the figure faces by the video's length.",
    "card_last_time_keep_sound_yes": "As last time: with the video's sound.",
    "card_last_time_keep_sound_no": "As last time: without sound.",
    "card_last_time_shot_customize": "As last time: shot type customize.",
    "card_last_time_shot_intelligent": "As last time: shot type intelligent.",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "form_used": (
        "This form has been sent before, and its clip is on its way. Sending it again changes nothing. "
        "Nothing was charged. Use /animate for another clip."
    ),
    "form_over": (
        "This form is too old to be sent, or not from you. Nothing was charged. "
        "Open a new one: hold the message → Apps → Animate this, or use /animate."
    ),
    "pick_not_kept": (
        "I am too busy to keep that just now. Nothing was charged. Try again in a minute, "
        "or attach the file to /animate."
    ),
    "nothing_in_message": (
        "There is no picture and no video in this message that Discord keeps. Nothing was charged. "
        "Try a message with the file itself in it; of a mere link I take nothing."
    ),
    "no_video_in_message": (
        "There is no video in this message that Discord keeps. Nothing was charged. "
        "Try a message with a video or an animated GIF in it."
    ),
    "no_picture_in_message": (
        "There is no picture in this message that Discord keeps. Nothing was charged. "
        "Try a message with a picture in it."
    ),
    "missing_picture": (
        "I need to know which picture should get the motion. Nothing was charged. "
        "Add it with the button, or attach it to /animate."
    ),
    "last_picture_over": (
        "Your last picture is no longer kept; I do that for an hour. Nothing was charged. "
        "Attach it again with /animate."
    ),
}
