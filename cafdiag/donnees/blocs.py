"""Lire en une seule passe, sur deux fils, un grand CSV sain ; au moindre doute, laisser faire le chemin prudent.

Pendant qu'un bloc est converti, un second fil l'examine et en calcule l'empreinte : ni le texte du fichier ni
ses colonnes inutiles ne sont jamais en mémoire, et l'empreinte est celle des octets mêmes qui ont donné les
chiffres.
"""

from __future__ import annotations

import codecs
import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut
from cafdiag.donnees.delimite import Doute, Forme, trouver_forme
from cafdiag.donnees.entetes import Choix, choisir
from cafdiag.erreurs import EntreeFautive

# Assez petits pour rester dans le cache du processeur ; quelques-uns d'avance, pas plus.
_BLOC, _AVANCE = 1 << 19, 4


@dataclass(frozen=True)
class _Plan:
    forme: Forme
    voulues: list[int]
    lecture: pa_csv.ReadOptions
    analyse: pa_csv.ParseOptions
    conversion: pa_csv.ConvertOptions


def lire(src: octets.Fichier, *, colonnes: Choix, nombres: Choix) -> Brut | None:
    """Le fichier lu comme par :func:`cafdiag.donnees.delimite.lire`, ou None s'il n'est pas sain.

    Sain : texte UTF-8 sans guillemet ni espace au bord d'un champ, un en-tête reconnu, le même nombre de
    champs partout, des nombres lisibles dans toutes les colonnes ``nombres``.

    Parameters
    ----------
    src : octets.Fichier
    colonnes, nombres : callable or collection of str
        Colonnes à charger ; celles d'entre elles à lire en nombres (vide = manquant).

    Returns
    -------
    Brut or None
        Empreinte comprise.
    """
    if src.compression or src.format != "csv" or not nombres:
        return None
    try:
        with src.chemin.open("rb") as flux:
            plan = _plan(src.chemin, flux.read(octets.DEBUT), colonnes, nombres)
        with _Temoin(src.chemin) as temoin:
            # Un seul fil pour la conversion : l'autre cœur examine, et la mémoire reste basse.
            arrow = pa_csv.read_csv(pa.PythonFile(temoin, mode="r"), read_options=plan.lecture,
                                    parse_options=plan.analyse, convert_options=plan.conversion)
            empreinte = temoin.empreinte()
        return _reunir(src, plan, arrow, empreinte)
    except (Doute, EntreeFautive, OSError, pa.ArrowException):
        return None


class _Temoin:
    """Un fichier qui examine, sur un second fil, chaque bloc qu'il donne à lire."""

    def __init__(self, chemin: Path) -> None:
        self._flux = chemin.open("rb", buffering=0)
        self._fil = ThreadPoolExecutor(max_workers=1)
        self._en_cours: deque = deque()
        self._somme, self._texte = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
        self._fin, self._total = b"", 0
        self.closed = False

    def __enter__(self) -> _Temoin:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Attend le second fil, puis ferme."""
        self._fil.shutdown(cancel_futures=True)
        self._flux.close()
        self.closed = True

    def read(self, taille: int) -> bytes:
        """Le bloc suivant ; un bloc douteux arrête la lecture un peu plus tard."""
        if len(self._en_cours) > _AVANCE:
            self._en_cours.popleft().result()
        bloc = self._flux.read(taille)
        if bloc:
            self._en_cours.append(self._fil.submit(self._examiner, bloc))
        return bloc

    def empreinte(self) -> str:
        """SHA-256 de tout ce qui a été lu, une fois tout examiné."""
        # Rien ne doit rester à lire : l'empreinte est celle du fichier entier.
        while self.read(_BLOC):
            pass
        for attendu in self._en_cours:
            attendu.result()
        self._texte_fini()
        return self._somme.hexdigest()

    def _texte_fini(self) -> None:
        try:
            self._texte.decode(b"", final=True)
        except UnicodeDecodeError:
            raise Doute from None
        if self._fin == b"\r":
            raise Doute

    def _examiner(self, bloc: bytes) -> None:
        """Les mêmes soupçons que :func:`cafdiag.donnees.octets.examiner`, et aucun guillemet."""
        self._somme.update(bloc)
        self._total += len(bloc)
        if b'"' in bloc or b"\0" in bloc or self._total > octets.TAILLE_MAX:
            raise Doute
        if not bloc.isascii() or self._texte.getstate()[0]:
            try:
                self._texte.decode(bloc)
            except UnicodeDecodeError:
                raise Doute from None
            if octets.accents_a_reparer(self._fin + bloc):
                raise Doute
        if b"\r" in bloc or self._fin == b"\r":
            suite = self._fin + bloc
            if suite[:-1].count(b"\r") != suite.count(b"\r\n"):
                raise Doute
        if (b" " in bloc or b"\t" in bloc) and octets.a_des_bords(bloc):
            raise Doute
        self._fin = bloc[-1:]


def _plan(chemin: Path, debut: bytes, colonnes: Choix, nombres: Choix) -> _Plan:
    texte = debut.decode("utf-8", errors="ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    forme = trouver_forme(texte, chemin.name)
    voulues = choisir(forme.noms[: forme.nommees], colonnes)
    chiffres = set(choisir(forme.noms, nombres))
    # Sans colonne de nombres, un en-tête répété au milieu du fichier passerait pour une donnée.
    if not chiffres & set(voulues):
        raise Doute
    internes = [f"c{i}" for i in range(len(forme.noms))]
    types = {f"c{i}": pa.float64() if i in chiffres else pa.large_string() for i in voulues}
    return _Plan(
        forme, voulues,
        pa_csv.ReadOptions(use_threads=False, block_size=_BLOC, skip_rows=forme.ligne, column_names=internes),
        pa_csv.ParseOptions(delimiter=forme.separateur, quote_char=False, ignore_empty_lines=False),
        pa_csv.ConvertOptions(include_columns=list(types), null_values=[""], column_types=types,
                              strings_can_be_null=False, quoted_strings_can_be_null=False))


def _reunir(src: octets.Fichier, plan: _Plan, arrow: pa.Table, empreinte: str) -> Brut:
    donnees, vide = {}, np.ones(arrow.num_rows, dtype=bool)
    for i in plan.voulues:
        colonne = arrow.column(f"c{i}")
        arrow = arrow.drop_columns([f"c{i}"])
        if pa.types.is_floating(colonne.type):
            valeurs = colonne.to_numpy()
            # Une somme finie n'a que des termes finis : le cas courant, sans tableau de plus.
            if colonne.null_count or not np.isfinite(valeurs.sum()):
                absents = ~np.isfinite(valeurs)
                # « inf » et « nan » s'écrivent comme des nombres et n'en sont pas ; une case vide, si.
                if np.count_nonzero(absents) != colonne.null_count:
                    raise Doute
                vide &= absents
            else:
                vide[:] = False
        else:
            valeurs = pd.Series(pd.array(colonne.combine_chunks(), dtype="str"))
            if vide.any():
                vide &= pc.equal(colonne, "").to_numpy()
        donnees[plan.forme.noms[i]] = valeurs
    # Une ligne vide est à ôter, et à dire.
    if vide.any() or not len(vide):
        raise Doute
    table = pd.DataFrame(donnees, index=pd.RangeIndex(len(vide)), copy=False)
    lignes = np.arange(plan.forme.ligne + 1, plan.forme.ligne + 1 + len(vide))
    return Brut(table, lignes, plan.forme.noms[: plan.forme.nommees], [], list(plan.forme.remarques),
                src.chemin.name, empreinte)
