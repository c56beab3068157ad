"""What the command line offers besides the jobs: no server runs these."""

from faceplate.jobs import Verb

__all__ = ["OTHERS"]

OTHERS = (
    Verb(
        "batch",
        "swap the frames of one farm task: safe to repeat, JSON summary, documented exit codes",
        "faceplate.farm.batch:BatchJob",
        "faceplate.farm.batch:batch",
        summary_line=True,
        grace_s=4.0,
    ),
    Verb(
        "evaluate truth",
        "measure a swap against its rendered truth",
        "faceplate.evaluate.truth:TruthJob",
        "faceplate.evaluate.truth:truth",
    ),
    Verb(
        "evaluate merge",
        "compare every mode and colour transfer on one prediction with its rendered truth",
        "faceplate.studies.merging:MergingJob",
        "faceplate.studies.merging:merging",
    ),
    Verb(
        "evaluate footage",
        "measure what analyse found in real footage",
        "faceplate.evaluate.footage:FootageJob",
        "faceplate.evaluate.footage:footage",
    ),
    Verb(
        "evaluate ablation",
        "train the paper's twelve models on a rendered pair and measure each",
        "faceplate.studies.ablation:AblationJob",
        "faceplate.studies.ablation:ablation",
    ),
    Verb(
        "farm openjd",
        "write a shot as a job bundle of Open Job Description",
        "faceplate.farm.shot:FarmJob",
        "faceplate.farm.openjd:openjd",
    ),
    Verb(
        "farm opencue",
        "write a shot as a script for OpenCue",
        "faceplate.farm.shot:FarmJob",
        "faceplate.farm.opencue:opencue",
    ),
    Verb(
        "farm deadline",
        "write a shot as jobs for Deadline 10",
        "faceplate.farm.shot:FarmJob",
        "faceplate.farm.deadline:deadline",
    ),
    Verb(
        "review movie",
        "make a movie of a shot, through the OCIO display, with frame numbers burnt in",
        "faceplate.review.movie:MovieJob",
        "faceplate.review.movie:movie",
    ),
    Verb(
        "review timeline",
        "put a shot into an OTIO timeline, with plate and swap as its media",
        "faceplate.review.timeline:TimelineJob",
        "faceplate.review.timeline:timeline",
    ),
    Verb(
        "faceset import",
        "take the faces of a DeepFaceLab faceset or pack",
        "faceplate.extract.dflfaces:ImportFacesJob",
        "faceplate.extract.dflfaces:import_faces",
    ),
    Verb(
        "faceset info",
        "tell what a faceset is: its faces, plates, labels and figures",
        "faceplate.facesets.listing:InfoJob",
        "faceplate.facesets.listing:info",
    ),
    Verb(
        "faceset list",
        "list faces in an order",
        "faceplate.facesets.listing:ListJob",
        "faceplate.facesets.listing:list_faces",
    ),
    Verb(
        "faceset sheet",
        "draw contact sheets in an order",
        "faceplate.facesets.listing:SheetJob",
        "faceplate.facesets.listing:sheet",
    ),
    Verb(
        "faceset cull",
        "set faces aside, by hand or by an order",
        "faceplate.facesets.culling:CullJob",
        "faceplate.facesets.culling:cull",
    ),
    Verb(
        "faceset keep",
        "take culled faces back",
        "faceplate.facesets.culling:KeepJob",
        "faceplate.facesets.culling:keep",
    ),
    Verb(
        "faceset undo",
        "take back what was done to a faceset",
        "faceplate.facesets.culling:UndoJob",
        "faceplate.facesets.culling:undo",
    ),
    Verb(
        "faceset log",
        "tell what was done to a faceset",
        "faceplate.facesets.culling:LogJob",
        "faceplate.facesets.culling:log",
    ),
    Verb(
        "faceset purge",
        "delete the culled faces for good",
        "faceplate.facesets.culling:PurgeJob",
        "faceplate.facesets.culling:purge",
    ),
    Verb(
        "models list",
        "list the weights that Faceplate knows, and whether they are here",
        "faceplate.commands.weights:ListWeights",
        "faceplate.commands.weights:list_weights",
    ),
    Verb(
        "models fetch",
        "fetch weights by name, or the defaults",
        "faceplate.commands.weights:FetchWeights",
        "faceplate.commands.weights:fetch_weights",
    ),
    Verb(
        "models verify",
        "check the hashes of the weights that are here",
        "faceplate.commands.weights:VerifyWeights",
        "faceplate.commands.weights:verify_weights",
    ),
    Verb(
        "models import",
        "take weights from a file, on a machine without a network",
        "faceplate.commands.weights:ImportWeights",
        "faceplate.commands.weights:import_weights",
    ),
    Verb(
        "model inspect",
        "tell what a swap model is, how it came about, and whether its saves are whole",
        "faceplate.commands.model:InspectModel",
        "faceplate.commands.model:inspect_model",
    ),
    Verb(
        "model repair",
        "find the newest whole save and set damaged ones aside",
        "faceplate.commands.model:RepairModel",
        "faceplate.commands.model:repair_model",
    ),
    Verb(
        "model rollback",
        "go back to an earlier save; later ones are set aside",
        "faceplate.commands.model:RollBackModel",
        "faceplate.commands.model:roll_back_model",
    ),
    Verb(
        "model export",
        "write a swap model for use elsewhere: safetensors, dfm or torchscript",
        "faceplate.commands.model:ExportModel",
        "faceplate.commands.model:export_model",
    ),
    Verb(
        "model import",
        "take over a SAEHD or Quick96 model of DeepFaceLab",
        "faceplate.commands.model:ImportModel",
        "faceplate.commands.model:import_model",
    ),
    Verb(
        "recipe list",
        "list every setting of a recipe, with unit, range and default",
        "faceplate.commands.recipe:ListSettings",
        "faceplate.commands.recipe:list_settings",
    ),
    Verb(
        "recipe explain",
        "tell what one setting of a recipe does",
        "faceplate.commands.recipe:ExplainSetting",
        "faceplate.commands.recipe:explain_setting",
    ),
    Verb(
        "recipe show",
        "show the settings of a recipe at a frame",
        "faceplate.commands.recipe:ShowRecipe",
        "faceplate.commands.recipe:show_recipe",
    ),
    Verb(
        "recipe check",
        "check that a recipe is right",
        "faceplate.commands.recipe:CheckRecipe",
        "faceplate.commands.recipe:check_recipe",
    ),
    Verb(
        "consent new",
        "write a consent record",
        "faceplate.commands.consent:NewConsent",
        "faceplate.commands.consent:new_consent",
    ),
    Verb(
        "consent show",
        "tell what a consent record allows",
        "faceplate.commands.consent:ShowConsent",
        "faceplate.commands.consent:show_consent",
    ),
    Verb(
        "consent check",
        "tell whether a record allows a use; logs nothing",
        "faceplate.commands.consent:TryConsent",
        "faceplate.commands.consent:try_consent",
    ),
    Verb(
        "consent log",
        "check the hash chain of the log of decisions",
        "faceplate.commands.consent:CheckLog",
        "faceplate.commands.consent:check_log",
    ),
)
"""In the order of the help."""
