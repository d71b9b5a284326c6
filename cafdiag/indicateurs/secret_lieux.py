"""Comment les territoires s'emboîtent : chacun en parties disjointes, les plus grandes possibles."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np

Lieu = tuple[str, str]


@dataclass(frozen=True)
class Zones:
    """Ensembles de communes distincts.

    Attributes
    ----------
    de : dict
        Zone de chaque lieu ``(maille, code)`` ; deux lieux faits des mêmes communes ont la même.
    communes : tuple of arrays
        Rangs des communes de chaque zone, croissants.
    """

    de: dict[Lieu, int]
    communes: tuple[np.ndarray, ...]
    _parties: dict[bytes, dict[int, tuple[Hashable, ...]]] = field(default_factory=dict, repr=False, compare=False)

    def parties(self, connues: np.ndarray) -> dict[int, tuple[Hashable, ...]]:
        """De quoi chaque zone est la somme, avec les seules zones où une grandeur est connue.

        Parameters
        ----------
        connues : array of bool
            Zones où la grandeur est connue.

        Returns
        -------
        dict
            Par zone connue : des zones connues disjointes, puis des atomes, qui sont les communes restantes
            rangées par les zones connues qui les contiennent ; rien pour une zone qui ne se découpe pas.

        Examples
        --------
        >>> z = zones({("c", "1"): [1], ("c", "2"): [2], ("e", "E"): [1, 2], ("d", "D"): [1, 2, 3, 4]})
        >>> z.parties(np.array([True, True, True, True]))
        {2: (0, 1), 3: (2, ('atome', (3,)))}
        """
        # D'une grandeur à l'autre, ce sont presque toujours les mêmes zones.
        cle = connues.tobytes()
        if cle not in self._parties:
            self._parties[cle] = self._decouper(connues)
        return self._parties[cle]

    def touchees(self, communes: np.ndarray) -> np.ndarray:
        """Vrai pour les zones qui ont une de ces communes."""
        taille = max((int(c[-1]) for c in self.communes if len(c)), default=-1) + 1
        ici = np.zeros(taille, dtype=bool)
        ici[communes[communes < taille]] = True
        return np.array([bool(ici[c].any()) for c in self.communes], dtype=bool)

    def _decouper(self, connues: np.ndarray) -> dict[int, tuple[Hashable, ...]]:
        taille = max((int(c[-1]) for c in self.communes if len(c)), default=-1) + 1
        contenant: list[list[int]] = [[] for _ in range(taille)]
        utiles = np.flatnonzero(connues)
        for zone in sorted(utiles, key=lambda z: -len(self.communes[z])):
            for commune in self.communes[zone]:
                contenant[commune].append(int(zone))
        trouvees = {}
        for zone in utiles:
            dedans = self.communes[zone]
            libre = np.zeros(taille, dtype=bool)
            libre[dedans] = True
            parties: dict[Hashable, None] = {}
            for commune in dedans:
                if not libre[commune]:
                    continue
                partie = next(
                    (
                        z
                        for z in contenant[commune]
                        if len(self.communes[z]) < len(dedans) and libre[self.communes[z]].all()
                    ),
                    None,
                )
                if partie is None:
                    parties[("atome", tuple(contenant[commune]))] = None
                else:
                    libre[self.communes[partie]] = False
                    parties[partie] = None
            if len(parties) > 1 or any(isinstance(p, int) for p in parties):
                # Un atome a pu être vu avant la zone qui le couvre : les zones d'abord.
                trouvees[int(zone)] = tuple(sorted(parties, key=lambda p: (not isinstance(p, int), str(p))))
        return trouvees


def zones(ensembles: Mapping[Lieu, object]) -> Zones:
    """Les zones de ces lieux.

    Parameters
    ----------
    ensembles : mapping
        Par lieu : les rangs de ses communes.
    """
    de: dict[Lieu, int] = {}
    trouvees: dict[bytes, int] = {}
    communes: list[np.ndarray] = []
    for lieu, rangs in ensembles.items():
        rangees = np.unique(np.asarray(rangs, dtype=np.int64))
        cle = rangees.tobytes()
        if cle not in trouvees:
            trouvees[cle] = len(communes)
            communes.append(rangees)
        de[lieu] = trouvees[cle]
    return Zones(de, tuple(communes))
