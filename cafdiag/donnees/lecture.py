"""Lire n'importe quel fichier officiel : des textes, leur ligne d'origine, et rien de perdu en silence.

C'est le socle des lecteurs (:mod:`cafdiag.donnees.lecteurs`) : il ne sait rien du sens des colonnes.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from cafdiag.donnees import classeurs, couches, delimite, octets
from cafdiag.donnees.classeurs import en_texte
from cafdiag.donnees.compte_rendu import Brut, CompteRendu, Lecture, Rejet
from cafdiag.donnees.delimite import Doute, Forme, trouver_forme
from cafdiag.donnees.entetes import Choix, choisir, nommer
from cafdiag.donnees.examen import a_des_bords, accents_a_reparer
from cafdiag.donnees.nettoyage import (
    Codes,
    annee,
    code_commune,
    code_departement,
    code_epci,
    code_region,
    nombre,
    siren_valide,
)
from cafdiag.erreurs import EntreeFautive

_BATIMENT_MAX = 0.01
_LISTES = ("results", "records", "data", "donnees", "features", "items", "rows")


def lire_json(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None) -> Brut:
    """Liste d'objets, GeoJSON, réponse d'API (``results``), JSON par lignes, ou objet indexé par code.

    Un objet indexé (``{"10003": {…}}``) rend sa clé dans une colonne « cle » ; un point GeoJSON rend
    « lon » et « lat ».
    """
    fichier = src.chemin.name
    texte, remarques = octets.decoder(src.tout())
    rejets: list[Rejet] = []
    try:
        contenu = json.loads(texte)
    except RecursionError:
        raise EntreeFautive(fichier, ["JSON trop profond"], attendu="une liste d'enregistrements") from None
    except ValueError as cause:
        contenu = _par_lignes(texte, rejets)
        if contenu is None:
            raise EntreeFautive(fichier, [f"JSON mal formé : {cause}"], attendu="un fichier entier",
                                conseil="retéléchargez-le : il est sans doute coupé") from cause
    suite = list(_objets(contenu))
    objets, lignes = [], []
    faux = {r.ligne for r in rejets}
    for rang, objet in enumerate(suite, start=1):
        if isinstance(objet, dict):
            objets.append(objet)
            lignes.append(rang)
        elif rang not in faux:
            rejets.append(Rejet(rang, "pas un enregistrement", str(objet)[:80]))
    if not objets:
        raise EntreeFautive(fichier, ["aucun enregistrement"], attendu="une liste d'objets JSON")
    cles = list(dict.fromkeys(cle for objet in objets for cle in objet))
    noms, doublons = nommer(cles)
    if limite is not None:
        objets, lignes = objets[:limite], lignes[:limite]
    table = pd.DataFrame(
        {noms[i]: pd.Series([_cellule(o.get(cles[i])) for o in objets], dtype="str")
         for i in choisir(noms, colonnes)}, index=pd.RangeIndex(len(objets)))
    return Brut(table, np.array(lignes, dtype=int), noms, rejets, remarques + doublons, fichier)


def _par_lignes(texte: str, rejets: list[Rejet]) -> list | None:
    lignes = [ligne for ligne in texte.splitlines() if ligne.strip()]
    objets: list = []
    for rang, ligne in enumerate(lignes, start=1):
        try:
            objets.append(json.loads(ligne))
        except (ValueError, RecursionError):
            objets.append(None)
            rejets.append(Rejet(rang, "JSON mal formé", ligne[:80]))
    # Un tableau JSON ordinaire, coupé, n'a presque aucune ligne lisible seule.
    entiers = sum(isinstance(o, dict) for o in objets)
    return objets if len(lignes) > 1 and entiers > 0.5 * len(lignes) else None


def _objets(contenu) -> Iterator:
    if isinstance(contenu, list):
        yield from (_aplatir(o) for o in contenu)
        return
    if not isinstance(contenu, dict):
        return
    for cle in _LISTES:
        if isinstance(contenu.get(cle), list):
            yield from (_aplatir(o) for o in contenu[cle])
            return
    if contenu and all(isinstance(v, dict) for v in contenu.values()):
        yield from ({"cle": cle, **valeur} for cle, valeur in contenu.items())
    elif contenu and all(isinstance(v, list) for v in contenu.values()):
        yield from ({"cle": cle, **{f"valeur_{i + 1}": v for i, v in enumerate(liste)}}
                    for cle, liste in contenu.items())
    elif contenu and not any(isinstance(v, dict | list) for v in contenu.values()):
        yield from ({"cle": cle, "valeur": valeur} for cle, valeur in contenu.items())


def _aplatir(objet):
    """Un « Feature » GeoJSON, ou un enregistrement d'ancienne API (``fields``), devient un objet plat."""
    if not isinstance(objet, dict):
        return objet
    plat = objet
    for cle in ("properties", "fields"):
        if isinstance(objet.get(cle), dict):
            plat = dict(objet[cle])
    point = objet.get("geometry")
    if plat is not objet and isinstance(point, dict):
        coordonnees = _point(point)
        if isinstance(coordonnees, list) and len(coordonnees) >= 2:
            plat.setdefault("lon", coordonnees[0])
            plat.setdefault("lat", coordonnees[1])
    return plat


def _point(contour: dict) -> list | None:
    """Le point d'une géométrie : le sien, ou celui d'un bâtiment dessiné (au plus un kilomètre)."""
    coordonnees = contour.get("coordinates")
    if contour.get("type") == "Point":
        return coordonnees
    if contour.get("type") == "MultiPoint" and isinstance(coordonnees, list) and len(coordonnees) == 1:
        return coordonnees[0]
    if contour.get("type") not in ("Polygon", "MultiPolygon") or _etendu(coordonnees):
        return None
    import shapely

    try:
        dessin = shapely.geometry.shape(contour)
        ouest, sud, est, nord = dessin.bounds
    except (TypeError, ValueError, IndexError, AttributeError, shapely.errors.ShapelyError):
        return None
    if not max(est - ouest, nord - sud) < _BATIMENT_MAX:
        return None
    dedans = dessin.representative_point()
    return [dedans.x, dedans.y]


def _sommets(coordonnees) -> Iterator[list]:
    if isinstance(coordonnees[0], list):
        for partie in coordonnees:
            yield from _sommets(partie)
    else:
        yield coordonnees


def _etendu(coordonnees) -> bool:
    """Vrai si un sommet est trop loin du premier pour un bâtiment : un quartier entier n'est pas à construire."""
    try:
        sommets = _sommets(coordonnees)
        x, y, *_ = next(sommets)
        return any(max(abs(s[0] - x), abs(s[1] - y)) >= _BATIMENT_MAX for s in sommets)
    except (TypeError, ValueError, IndexError, StopIteration):
        return False  # mal formée : à la bibliothèque d'en juger


def _cellule(valeur) -> str:
    if isinstance(valeur, dict) or (isinstance(valeur, list) and any(isinstance(v, dict) for v in valeur)):
        return json.dumps(valeur, ensure_ascii=False)
    return en_texte(valeur).strip()


def lire_parquet(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None) -> Brut:
    """Colonnes d'un Parquet en textes ; les géométries et autres binaires restent dans le fichier."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    fichier = src.chemin.name
    try:
        with octets.lisible(src.chemin), src.ouvrir() as flux:
            parquet = pq.ParquetFile(flux)
            schema = parquet.schema_arrow
            noms, remarques = nommer(schema.names)
            lisibles = {i for i, champ in enumerate(schema)
                        if not (pa.types.is_binary(champ.type) or pa.types.is_large_binary(champ.type))}
            voulues = [i for i in choisir(noms, colonnes) if i in lisibles]
            if limite is not None:
                lot = next(parquet.iter_batches(batch_size=limite, columns=[schema.names[i] for i in voulues]),
                           None)
                table = pa.Table.from_batches([lot] if lot is not None else [], schema=None if lot is not None
                                              else pa.schema([schema.field(i) for i in voulues]))
            else:
                table = parquet.read(columns=[schema.names[i] for i in voulues])
    except (pa.ArrowException, StopIteration) as cause:
        raise EntreeFautive(fichier, [f"Parquet illisible : {cause}"],
                            conseil="retéléchargez-le : il est sans doute coupé") from cause
    donnees = {}
    for i in voulues:
        colonne = table.column(schema.names[i])
        if pa.types.is_string(colonne.type) or pa.types.is_large_string(colonne.type):
            textes = pc.utf8_trim_whitespace(pc.fill_null(colonne, "").cast(pa.large_string()))
            donnees[noms[i]] = pd.Series(pd.array(textes, dtype="str"))
        else:
            donnees[noms[i]] = pd.Series([en_texte(v).strip() for v in colonne.to_pylist()], dtype="str")
    cadre = pd.DataFrame(donnees, index=pd.RangeIndex(table.num_rows))
    return Brut(cadre, np.arange(1, table.num_rows + 1), noms, [], remarques, fichier)


# Assez petits pour rester dans le cache du processeur ; quelques-uns d'avance, pas plus.
_BLOC, _AVANCE = 1 << 19, 4


@dataclass(frozen=True)
class _Plan:
    forme: Forme
    voulues: list[int]
    lecture: pa_csv.ReadOptions
    analyse: pa_csv.ParseOptions
    conversion: pa_csv.ConvertOptions


def lire_par_blocs(src: octets.Fichier, *, colonnes: Choix, nombres: Choix) -> Brut | None:
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
        """Les mêmes soupçons que :func:`cafdiag.donnees.examen.examiner`, et aucun guillemet."""
        self._somme.update(bloc)
        self._total += len(bloc)
        if b'"' in bloc or b"\0" in bloc or self._total > octets.TAILLE_MAX:
            raise Doute
        if not bloc.isascii() or self._texte.getstate()[0]:
            try:
                self._texte.decode(bloc)
            except UnicodeDecodeError:
                raise Doute from None
            if accents_a_reparer(self._fin + bloc):
                raise Doute
        if b"\r" in bloc or self._fin == b"\r":
            suite = self._fin + bloc
            if suite[:-1].count(b"\r") != suite.count(b"\r\n"):
                raise Doute
        if (b" " in bloc or b"\t" in bloc) and a_des_bords(bloc):
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


__all__ = [
    "Brut", "Codes", "CompteRendu", "Lecture", "Rejet", "annee", "apercu", "code_commune",
    "code_departement", "code_epci", "code_region", "feuilles", "lire_tableau", "nombre",
    "siren_valide",
]


def lire_tableau(chemin: Path | str, *, colonnes: Choix = None, feuille: str | None = None,
                 limite: int | None = None, nombres: Choix = ()) -> Brut:
    """Lit un fichier en textes : csv (``;`` ``,`` tabulation), xlsx, ods, json, parquet, .gz ou .zip.

    Les lignes d'habillage, l'en-tête répété et les lignes vides sont ôtés (et dits) ; une ligne qui n'a
    pas le bon nombre de champs devient un rejet.

    Parameters
    ----------
    chemin : path
    colonnes : callable or collection of str, optional
        Colonnes à charger (nom, ou fonction ``nom -> bool``) ; un gros fichier dont on ne veut que
        quelques colonnes est lu au fil de l'eau.
    feuille : str, optional
        Feuille du classeur ; la plus remplie par défaut.
    limite : int, optional
        Nombre de lignes (aperçu) ; l'empreinte n'est alors pas calculée.
    nombres : callable or collection of str, optional
        Colonnes à lire directement en nombres (vide = manquant) dans un grand CSV : deux fois moins de
        mémoire. Si une seule case n'en est pas un, toutes restent des textes, pour dire laquelle.

    Returns
    -------
    Brut

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, tronqué, d'un format inconnu, ou sans en-tête.
    """
    src = octets.source(chemin)
    if limite is not None:
        return _lire(src, colonnes, feuille, limite, ())
    rapide = lire_par_blocs(src, colonnes=colonnes, nombres=nombres)
    if rapide is not None:
        return rapide
    # L'empreinte relit le fichier : sur un second cœur, elle ne coûte rien.
    with ThreadPoolExecutor(max_workers=1) as second:
        empreinte = second.submit(octets.empreinte, src.chemin)
        brut = _lire(src, colonnes, feuille, None, nombres)
        brut.empreinte = empreinte.result()
    if src.autres:
        suite = "…" if len(src.autres) > 3 else ""
        brut.remarques.append(f"archive : {src.membre} est lu ; {', '.join(src.autres[:3])}{suite} ne l'est pas")
    return brut


def _lire(src: octets.Fichier, colonnes: Choix, feuille: str | None, limite: int | None, nombres: Choix) -> Brut:
    if src.format == "csv":
        return delimite.lire(src, colonnes=colonnes, limite=limite, nombres=nombres)
    if src.format in ("xlsx", "ods"):
        return classeurs.lire(src, colonnes=colonnes, limite=limite, feuille=feuille)
    if src.format == "json":
        return lire_json(src, colonnes=colonnes, limite=limite)
    if src.format == couches.FORMAT:
        return couches.lire(src, couche=feuille, limite=limite)
    return lire_parquet(src, colonnes=colonnes, limite=limite)


def apercu(chemin: Path | str, *, feuille: str | None = None, limite: int = 50) -> Brut:
    """Les premières lignes, pour reconnaître un fichier sans le lire en entier."""
    return lire_tableau(chemin, feuille=feuille, limite=limite)


def feuilles(chemin: Path | str) -> list[str]:
    """Noms des feuilles d'un classeur, ou des couches d'un fichier géographique ; liste vide pour un autre format."""
    src = octets.source(chemin)
    if src.format == couches.FORMAT:
        return list(couches.couches(src))
    return classeurs.feuilles(src) if src.format in ("xlsx", "ods") else []
