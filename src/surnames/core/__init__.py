"""What every stage rests on: errors, parameters, paths, letters and names.

One folder, because it is one dependency in dvc.yaml: DVC writes all of dvc.lock anew after every
stage, and lines for each module of each of forty stages would cost more than some networks.
"""
