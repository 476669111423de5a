"""Sections of model cards that are the same for every model of age and gender.

Model cards have the sections of Mitchell et al. 2019, *Model Cards for Model Reporting*, FAT*.
"""

INTENDED_USE = (
    "Research on age estimation and gender classification from faces, teaching, and statistics "
    "over many faces whose error is stated beside them. A person who knows the limits below looks "
    "at the results."
)
OUT_OF_SCOPE = (
    "Decisions about a person: admission, age verification, hiring, pricing, policing, medicine.",
    "Identifying or following people, and inferring gender identity: the two labels are those of "
    "the data.",
    "Pictures unlike the training images: drawings, masks, profiles, infants' gender, night and "
    "infrared cameras.",
)
FACTORS = (
    "Errors differ by age, gender and race, by the source of the photographs, and by resolution, "
    "blur, pose and light. Groups that are rare in the training data get worse predictions. "
    "`utkage evaluate --report` on your own labelled faces measures them by group."
)
METRICS_TEXT = (
    "MAE is the mean absolute error of the predicted age. CS@5 is the share of faces whose error "
    "is at most 5 years. An age range is right if the predicted range, one of nine, contains the "
    "labelled age. Metrics on different splits of one data set cannot be compared."
)
ETHICS = (
    "A prediction is how old a face looks and which of two labels it resembles, not how old "
    "somebody is. Tell people when their faces are processed, and keep neither pictures nor "
    "predictions longer than you need them: everything runs on your machine."
)
# The metrics of a card that the table shows, and their kinds in the metadata of the hub.
KINDS = {
    "mae": "mae",
    "cs5": "accuracy",
    "range_accuracy": "accuracy",
    "gender_accuracy": "accuracy",
}
