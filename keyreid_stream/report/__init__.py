"""From a finished demo to pictures and one self-contained page that shows what happened."""

from keyreid_stream.report.record import DemoRecord, Ingredient
from keyreid_stream.report.true_people import person_in, true_people
from keyreid_stream.report.write import FLOOR_MAP, GALLERY, REPORT, write_report

__all__ = ["FLOOR_MAP", "GALLERY", "REPORT", "DemoRecord", "Ingredient", "person_in", "true_people", "write_report"]
