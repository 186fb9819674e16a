"""`doctor`: what is wrong with the program, its surroundings and the project, and what to type about it."""

import concurrent.futures
from collections.abc import Callable, Iterable

from forecaster.environment import Environment
from forecaster.errors import ForecasterError
from forecaster.experiments.diagnosis import Diagnosis, Finding
from forecaster.workflows import doctor_project, doctor_system

__all__ = ["doctor"]

Check = Callable[[Environment], Iterable[Finding]]


def doctor(environment: Environment, *, online: bool = False, offline: bool = False) -> Diagnosis:
    """Check environment, engines, network and project; a check that fails is a finding, never an error.

    Args:
        environment: Home folder and clock.
        online: True to ask the network although a variable forbids it.
        offline: True not to ask it.
    """
    asks = not offline and (online or not doctor_system.is_forbidden())
    network = doctor_system.check_network if asks else doctor_system.check_no_network
    checks = {**doctor_system.CHECKS, "network": network, **doctor_project.CHECKS}
    # Engines load in processes of their own, and servers are waited for.
    with concurrent.futures.ThreadPoolExecutor(len(checks)) as pool:
        results = [pool.submit(_checked, subject, check, environment) for subject, check in checks.items()]
        return Diagnosis(tuple(finding for result in results for finding in result.result()))


def _checked(subject: str, check: Check, environment: Environment) -> list[Finding]:
    """Findings of a check; its failure is one."""
    try:
        return list(check(environment))
    except ForecasterError as error:
        return [Finding(subject, "problem", message) for message in error.messages]
    except Exception as error:  # whatever it is, the other checks go on
        return [Finding(subject, "problem", f"the check failed: {type(error).__name__}: {error}")]
