"""Clips of our own making: footsteps -> feet -> balance -> posture -> inverse kinematics -> `Clip`.

| file | gives |
|---|---|
| footsteps.py | where and when each foot stands |
| feet.py | the path of both feet between those places, with heel and toe roll |
| balance.py | zero-moment point (ZMP) reference and the centre-of-mass path that it demands |
| posture.py | pelvis, waist and arms, as functions of what the feet do |
| whole_body.py | joint angles by inverse kinematics (needs the extra [synthesis]) |
| dynamics.py | the ZMP that a finished motion really has |
| synthesize.py | all of the above in order |
| gaits.py | the clips that ship, a few lines each |
"""
