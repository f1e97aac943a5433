"""``tf.saved_model``: a graph, its variables and the names of its inputs and outputs, in one folder."""

from graphc.saved_model import (
    builder,
    constants,
    loader,
    main_op,
    signature_constants,
    signature_def_utils,
    tag_constants,
    utils,
)
from graphc.saved_model.builder import SavedModelBuilder as Builder
from graphc.saved_model.builder import simple_save
from graphc.saved_model.loader import contains_saved_model, load, maybe_saved_model_directory
from graphc.saved_model.main_op import main_op_with_restore
from graphc.saved_model.signature_def_utils import (
    build_signature_def,
    classification_signature_def,
    is_valid_signature,
    predict_signature_def,
    regression_signature_def,
)
from graphc.saved_model.tag_constants import GPU, SERVING, TPU, TRAINING
from graphc.saved_model.utils import build_tensor_info, get_tensor_from_tensor_info

__all__ = [
    "GPU",
    "SERVING",
    "TPU",
    "TRAINING",
    "Builder",
    "build_signature_def",
    "build_tensor_info",
    "builder",
    "classification_signature_def",
    "constants",
    "contains_saved_model",
    "get_tensor_from_tensor_info",
    "is_valid_signature",
    "load",
    "loader",
    "main_op",
    "main_op_with_restore",
    "maybe_saved_model_directory",
    "predict_signature_def",
    "regression_signature_def",
    "signature_constants",
    "signature_def_utils",
    "simple_save",
    "tag_constants",
    "utils",
]
