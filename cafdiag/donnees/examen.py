"""Un fichier texte vu passer une seule fois : son empreinte, ses enregistrements, et s'il se lit au fil de l'eau.

Un fichier de l'Insee pèse des centaines de mégaoctets : chaque passage de plus se sent. L'examen se fait donc à mesure
que les octets arrivent (extraction d'une archive, contrôle, lecture), et se garde tant que le fichier ne change pas.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafdiag.donnees import empreintes, octets
from cafdiag.erreurs import EntreeFautive

BLOC = 1 << 20
_LIGNE_MAX = 16 * BLOC
_GARDES = 4
_FAITS: dict[tuple, Examen] = {}


@dataclass(frozen=True)
class Examen:
    """Ce qu'un premier passage dit d'un fichier texte, sans le garder en mémoire.

    Attributes
    ----------
    simple : bool
        UTF-8 juste, sans NUL, sans accents à réparer, guillemets fermés sur leur ligne : lisible au fil de l'eau.
    debut : bytes
        De quoi trouver l'en-tête.
    bords : bool
        Une espace au bord d'un champ : il faudra les ôter, une copie de chaque colonne.
    empreinte : str
        SHA-256 des octets vus.
    enregistrements : int, optional
        Lignes pleines après l'en-tête ; None si une ligne n'est pas toujours un enregistrement.
    sans_fin : bool
        Le dernier enregistrement n'a pas de fin de ligne.
    voisins : frozenset of int
        Les octets qui touchent un champ entre guillemets, fin de ligne exceptée.
    """

    simple: bool
    debut: bytes
    bords: bool
    empreinte: str
    enregistrements: int | None
    sans_fin: bool
    voisins: frozenset[int]


class Examinateur:
    """Fait un :class:`Examen` à mesure que les octets passent."""

    def __init__(self) -> None:
        self._somme, self._decodeur = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
        self._simple, self._bords, self._debut, self._reste = True, False, b"", b""
        self._pleines: int | None = 0
        self._voisins: set[int] = set()

    def voir(self, bloc: bytes) -> None:
        """Le bloc suivant, s'il n'est pas vide."""
        self._somme.update(bloc)
        if len(self._debut) < octets.DEBUT:
            self._debut += bloc[: octets.DEBUT - len(self._debut)]
        if not self._simple and self._pleines is None:
            return
        if self._simple and (not bloc.isascii() or self._decodeur.getstate()[0]):
            try:
                self._decodeur.decode(bloc)
                self._simple = not accents_a_reparer(bloc)
            except UnicodeDecodeError:
                self._simple = False
        self._bords = self._bords or a_des_bords(bloc)
        fin = bloc.rfind(b"\n") + 1
        lignes, self._reste = (self._reste + bloc[:fin], bloc[fin:]) if fin else (b"", self._reste + bloc)
        if len(self._reste) > _LIGNE_MAX:
            self._renoncer()
        elif lignes:
            self._compter(lignes)

    def rendre(self) -> Examen:
        """Tout a été vu."""
        try:
            self._decodeur.decode(b"", final=True)
        except UnicodeDecodeError:
            self._simple = False
        sans_fin = bool(self._reste)
        if sans_fin and (self._simple or self._pleines is not None):
            self._compter(self._reste)
        # La première ligne est l'en-tête, même vide.
        entete = int(not re.match(rb"\r?\n", self._debut))
        nombre = None if self._pleines is None else max(0, self._pleines - entete)
        return Examen(self._simple, self._debut, self._bords, self._somme.hexdigest(), nombre,
                      sans_fin and bool(nombre), frozenset(self._voisins))

    def _renoncer(self) -> None:
        self._simple, self._pleines, self._reste = False, None, b""

    def _compter(self, lignes: bytes) -> None:
        """Des lignes entières : combien de pleines, et rien qui coupe un enregistrement en deux ?"""
        vus = np.frombuffer(lignes, dtype="uint8")
        sauts = np.flatnonzero(vus == ord("\n"))
        tailles = np.diff(sauts, prepend=-1) - 1
        if b"\r" in lignes:
            retours = (tailles > 0) & (vus[sauts - 1] == ord("\r"))
            if np.count_nonzero(vus == ord("\r")) != np.count_nonzero(retours):
                return self._renoncer()
            tailles = tailles - retours
        if b"\0" in lignes:
            return self._renoncer()
        if b'"' in lignes:
            ou = np.flatnonzero(vus == ord('"'))
            if len(ou) % 2 or (np.searchsorted(ou, sauts) % 2).any():
                return self._renoncer()
            avant, apres = ou[::2] - 1, ou[1::2] + 1
            bords = vus[np.concatenate([avant[avant >= 0], apres[apres < len(vus)]])]
            self._voisins.update({*np.unique(bords).tolist()} - {ord("\n")})
        if self._pleines is not None:
            self._pleines += int(np.count_nonzero(tailles)) + (lignes[-1:] != b"\n")
        return None


# Ce que l'UTF-8 relu en latin-1 laisse derrière un « Ã » ou un « Â » ; ce qui borde un champ.
_SUITES, _BORDS = (np.isin(np.arange(256), list(suites)) for suites in (b"\xc2\xc5\xc6\xcb\xe2", b';,|\t\n"'))


def accents_a_reparer(bloc: bytes) -> bool:
    """Vrai si ce bloc a des accents UTF-8 relus en latin-1 ; le « Â » d'un CHÂTEAU n'en est pas un.

    >>> accents_a_reparer("ChÃ¢teau".encode()), accents_a_reparer("CHÂTEAU Ãtre, âgé".encode())
    (True, False)
    """
    vus = np.frombuffer(bloc, dtype="uint8")
    ou = np.flatnonzero(vus[:-2] == 0xC3)
    deux, trois = vus[ou + 1], vus[ou + 2]
    return bool((((deux | 1) == 0x83) & _SUITES[trois] | (deux == 0xA2) & (trois == 0xE2)).any())


def a_des_bords(bloc: bytes) -> bool:
    """Vrai si une espace borde un champ de ce bloc, ou le bloc.

    >>> [a_des_bords(b) for b in (b"a b;c", b"a ;c", b"a; c", b"a;c ", b"a\\t\\tb", b"a \\r\\nb")]
    [False, True, True, True, True, True]
    """
    if bloc[:1] in (b" ", b"\t") or bloc[-1:] in (b" ", b"\t"):
        return True
    vus = np.frombuffer(bloc, dtype="uint8")
    for blanc in (b" ", b"\t"):
        if blanc in bloc:
            ou = np.flatnonzero(vus == ord(blanc))
            apres = vus[ou + 1]
            if (_BORDS[vus[ou - 1]] | _BORDS[apres] | (apres == ord("\r"))).any():
                return True
    return False


def retenir(chemin: Path, examen: Examen) -> None:
    """Garde l'examen d'un fichier dont on vient de voir passer tous les octets."""
    empreintes.retenir(chemin, examen.empreinte)
    if (cle := empreintes.marque(chemin)) is not None:
        while len(_FAITS) >= _GARDES:
            _FAITS.pop(next(iter(_FAITS)))
        _FAITS[cle] = examen


def examiner_tout(chemin: Path) -> Examen:
    """L'examen d'un fichier tel qu'il est sur le disque."""
    cle = empreintes.marque(chemin)
    if cle is not None and cle in _FAITS:
        return _FAITS[cle]
    examinateur = Examinateur()
    with chemin.open("rb") as flux:
        while bloc := flux.read(BLOC):
            examinateur.voir(bloc)
    examen = examinateur.rendre()
    if empreintes.marque(chemin) == cle:
        retenir(chemin, examen)
    return examen


def examiner(src: octets.Fichier) -> Examen:
    """L'examen de ce qu'un fichier rend une fois ouvert.

    Un fichier « simple » peut être lu au fil de l'eau ; les autres passent en mémoire.
    """
    with octets.lisible(src.chemin):
        if not src.compression:
            trop = src.chemin.stat().st_size > octets.TAILLE_MAX
            if not trop:
                return examiner_tout(src.chemin)
        else:
            examinateur, total, trop = Examinateur(), 0, False
            with src.ouvrir() as flux:
                while not trop and (bloc := flux.read(BLOC)):
                    total += len(bloc)
                    examinateur.voir(bloc)
                    trop = total > octets.TAILLE_MAX
            if not trop:
                return examinateur.rendre()
    raise EntreeFautive(src.chemin.name, [f"plus de {octets.TAILLE_MAX // 1024**3} Gio une fois ouvert"])
