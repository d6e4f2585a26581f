"""The table of all faults that a run of chaos draws from."""

from tests.chaos import faults_of_disks, faults_of_processes, faults_of_store, faults_of_users
from tests.chaos.fault import FAULTS, Fault

BY_SUBJECT = (faults_of_processes, faults_of_store, faults_of_disks, faults_of_users)  # each fills the table

__all__ = ["BY_SUBJECT", "FAULTS", "Fault"]
