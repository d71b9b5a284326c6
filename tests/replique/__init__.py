"""Une réplique locale des producteurs : chaque source prise d'office, à sa forme officielle.

Les fichiers sont engendrés (mêmes octets pour une même échelle) ou, s'ils sont là, ceux des producteurs
(``CAFDIAG_FICHIERS_REELS``). Les chiffres engendrés sont fictifs : ils éprouvent la prise, ils n'apprennent
rien d'un territoire.
"""
