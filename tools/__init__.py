"""Programs for people who work on utkage; run them from the root of the repository.

``python -m tools.docs``      writes what the documents take from the code and the shipped card
``python -m tools.report``    measures, and writes the measured pages of the documents
``python -m tools.bench``     measures speed and memory against bars
``python -m tools.release``   makes the files that the package ships
``python -m tools.examples``  makes demo sets and clips from the pictures in ``examples/``
"""
