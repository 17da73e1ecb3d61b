"""Truth tables learned by back-propagation.

learn: the search for a small network. attempts: training from many starts side by side. hardening:
hidden units rounded to bits. sharpening: a network whose every unit is a bit, with a certificate.
"""
