"""Lire un JSON ou un Parquet comme un tableau de textes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd

from cafdiag.donnees import octets
from cafdiag.donnees.classeurs import en_texte
from cafdiag.donnees.compte_rendu import Brut, Rejet
from cafdiag.donnees.entetes import Choix, choisir, nommer
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
    if contour.get("type") not in ("Polygon", "MultiPolygon"):
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
