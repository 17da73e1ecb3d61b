"""What `from clearprop import explain` offers; __init__.py loads each name on first use."""

from .attribution import Attributions, attribute
from .diagnose import diagnose
from .drawing import Svg, draw_network
from .finding import Diagnosis, Finding
from .picture import Picture
from .plot_attribution import plot_attributions, plot_importances
from .plot_predictions import plot_calibration, plot_confusion_matrix, plot_residuals
from .plot_space import plot_decision_boundary, plot_hidden_space, plot_loss_slice
from .plot_training import plot_histograms, plot_history, plot_layers
from .recorder import EpochLine, Record, Recorder, Recording
from .statistics import Histogram, LayerStatistics, layer_statistics
from .step import Check, Explanation, Operand, Step
from .steps import steps
from .terms import Factor, Term

__all__ = [
    "Attributions",
    "Check",
    "Diagnosis",
    "EpochLine",
    "Explanation",
    "Factor",
    "Finding",
    "Histogram",
    "LayerStatistics",
    "Operand",
    "Picture",
    "Record",
    "Recorder",
    "Recording",
    "Step",
    "Svg",
    "Term",
    "attribute",
    "diagnose",
    "draw_network",
    "layer_statistics",
    "plot_attributions",
    "plot_calibration",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_hidden_space",
    "plot_histograms",
    "plot_history",
    "plot_importances",
    "plot_layers",
    "plot_loss_slice",
    "plot_residuals",
    "steps",
]
