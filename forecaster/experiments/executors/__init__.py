"""Executors: where the tasks of an experiment are computed, in this process, in several, or on several machines."""

from forecaster.experiments.executors.base import Executor, Session, results_in_order
from forecaster.experiments.executors.in_process import InProcess
from forecaster.experiments.executors.processes import Processes
from forecaster.experiments.executors.ray_cluster import RayCluster

__all__ = ["Executor", "InProcess", "Processes", "RayCluster", "Session", "results_in_order"]
