"""Lire un classeur (xlsx, ods) en textes, tel qu'il s'affiche : les zéros de tête du format sont rendus."""

from __future__ import annotations

import datetime as dt
import io
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from itertools import islice
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import Brut
from cafdiag.donnees.entetes import Choix, choisir, nommer, trouver_entete
from cafdiag.erreurs import EntreeFautive

_O = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_T = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_X = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_LARGEUR_MAX = 16_384
_LIGNES_MAX = 1_048_576
_HABILLAGE_MAX = 60
_SANS_DIMENSIONS = threading.Lock()


def feuilles(src: octets.Fichier) -> list[str]:
    """Noms des feuilles, dans l'ordre."""
    with octets.lisible(src.chemin):
        if src.format == "xlsx":
            classeur = _ouvrir_xlsx(src)
            try:
                return [f.title for f in classeur.worksheets]
            finally:
                classeur.close()
        return [nom for nom, _ in _feuilles_ods(src, lire_lignes=False)]


def lire(src: octets.Fichier, *, colonnes: Choix = None, limite: int | None = None,
         feuille: str | None = None) -> Brut:
    """Lit une feuille ; sans nom, la plus remplie de celles qui ont un en-tête."""
    fichier = src.chemin.name
    try:
        with octets.lisible(src.chemin):
            borne = None if limite is None else limite + _HABILLAGE_MAX
            if src.format != "xlsx":
                toutes = _feuilles_ods(src)
            elif borne is None and _ordinaire(src):
                toutes = _feuilles_vite(src, feuille)
            else:
                toutes = _feuilles_xlsx(src, feuille, borne)
            lues = {nom: rangs for nom, rangs in toutes if feuille in (None, nom)}
    except EntreeFautive:
        raise
    except Exception as cause:  # un classeur abîmé fait lever n'importe quoi à la bibliothèque qui le lit
        raise EntreeFautive(fichier, [f"classeur illisible : {cause}"],
                            conseil="ouvrez-le dans le tableur et enregistrez-le à nouveau") from cause
    if not lues:
        raise EntreeFautive(fichier, [f"pas de feuille « {feuille} »" if feuille else "classeur vide"],
                            attendu="une feuille parmi " + ", ".join(feuilles(src)))
    nom = max(lues, key=lambda n: sum(any(r) for r in lues[n]))
    rangs = lues[nom]
    brut = en_brut(rangs, fichier, colonnes, limite)
    if len(lues) > 1:
        brut.remarques.insert(0, f"feuille lue : « {nom} » (sur {len(lues)})")
    return brut


def en_brut(rangs: list[list[str]], fichier: str, colonnes: Choix, limite: int | None) -> Brut:
    """D'une grille de textes à un :class:`Brut`."""
    numerotes = [(n, r) for n, r in enumerate(rangs, start=1) if any(c.strip() for c in r)]
    if not numerotes:
        raise EntreeFautive(fichier, ["feuille vide"])
    i = trouver_entete([r for _, r in numerotes], fichier)
    ligne, entete = numerotes[i]
    donnees = numerotes[i + 1:]
    largeur = max((k + 1 for k, c in enumerate(entete) if c.strip()), default=0)
    noms, remarques = nommer(entete[:largeur])
    if ligne > 1:
        remarques.insert(0, f"{ligne - 1} ligne(s) d'habillage ôtée(s) avant l'en-tête")
    # Note de bas de tableau : une seule cellule remplie, la première, sous des données bien plus larges.
    pied = 0
    while donnees and sum(bool(c.strip()) for c in donnees[-1][1]) == 1 and largeur >= 3 \
            and donnees[-1][1][0].strip() and re.search(r"[a-z] [a-z]|:", donnees[-1][1][0].lower()):
        donnees.pop()
        pied += 1
    if pied:
        remarques.append(f"{pied} ligne(s) de notes ôtée(s) sous le tableau")
    donnees = [(n, r) for n, r in donnees if [c.strip() for c in r[:largeur]] != noms]
    if limite is not None:
        donnees = donnees[:limite]
    voulues = choisir(noms, colonnes)
    table = pd.DataFrame(
        {noms[k]: pd.Series([r[k].strip() if k < len(r) else "" for _, r in donnees], dtype="str")
         for k in voulues}, index=pd.RangeIndex(len(donnees)))
    return Brut(table, np.array([n for n, _ in donnees], dtype=int), noms, [], remarques, fichier)


def _contenu(src: octets.Fichier):
    """Le classeur : son chemin, ou ses octets s'il est dans une archive (l'accès direct y est nécessaire)."""
    return io.BytesIO(src.tout()) if src.compression else src.chemin


def _ouvrir_xlsx(src: octets.Fichier):
    import openpyxl
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    # Style absent, extension inconnue : des remarques d'Excel qui ne touchent pas aux valeurs.
    warnings.filterwarnings("ignore", module="openpyxl")
    with _SANS_DIMENSIONS:
        # Sans dimension écrite, openpyxl lirait chaque feuille entière pour la chercher ; on n'en veut pas.
        chercher, ReadOnlyWorksheet._get_size = ReadOnlyWorksheet._get_size, lambda onglet: None
        try:
            classeur = openpyxl.load_workbook(_contenu(src), read_only=True, data_only=True, keep_links=False)
        finally:
            ReadOnlyWorksheet._get_size = chercher
    return avec_feuilles(classeur, src.chemin.name)


def avec_feuilles(classeur, fichier: str):
    """Le classeur, s'il a une feuille : dans la variante stricte d'Excel, openpyxl n'en voit aucune et se tait."""
    if not classeur.worksheets:
        classeur.close()
        raise EntreeFautive(fichier, ["aucune feuille lue : classeur sans tableau, ou au format « Open XML strict »"],
                            conseil="dans Excel, « Enregistrer sous », type « Classeur Excel (*.xlsx) »")
    return classeur


def _ordinaire(src: octets.Fichier) -> bool:
    """Vrai si rien, dans ce classeur, ne demande le format des cellules.

    calamine, vingt fois plus rapide, ne dit pas le format « 00000 » qui garde les zéros d'un code, et rend
    vide une cellule en erreur.
    """
    with zipfile.ZipFile(_contenu(src)) as archive:
        for nom in archive.namelist():
            if nom == "xl/styles.xml" and re.search(rb"""formatCode=["'][^"']*00(?![.,])""", archive.read(nom)):
                return False
            if nom.startswith("xl/worksheets/"):
                with archive.open(nom) as flux:
                    fin = b""
                    while bloc := flux.read(1 << 20):
                        # Les deux guillemets se valent : tout écrivain ne prend pas le même.
                        if b't="e"' in fin + bloc or b"t='e'" in fin + bloc:
                            return False
                        fin = bloc[-5:]
    return True


def _feuilles_vite(src: octets.Fichier, feuille: str | None) -> Iterator[tuple[str, list[list[str]]]]:
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    contenu = _contenu(src)
    lu = CalamineWorkbook.from_filelike(contenu) if src.compression else CalamineWorkbook.from_path(contenu)
    for onglet in lu.sheets_metadata:
        if onglet.typ == SheetTypeEnum.WorkSheet and feuille in (None, onglet.name):
            rangs = lu.get_sheet_by_name(onglet.name).to_python(skip_empty_area=False)
            yield onglet.name, [[_texte_vite(v) for v in rang] for rang in rangs]


def _texte_vite(valeur) -> str:
    return valeur.replace("\0", "\ufffd") if isinstance(valeur, str) else en_texte(valeur)


def _feuilles_xlsx(src: octets.Fichier, feuille: str | None, borne: int | None,
                   ) -> Iterator[tuple[str, list[list[str]]]]:
    classeur = _ouvrir_xlsx(src)
    try:
        for onglet in classeur.worksheets:
            if feuille in (None, onglet.title):
                # La dimension écrite dans le fichier est parfois fausse ; on lit ce qui est là.
                onglet.reset_dimensions()
                yield onglet.title, [[_texte_xlsx(c) for c in rang] for rang in islice(onglet.iter_rows(), borne)]
    finally:
        classeur.close()


def _texte_xlsx(cellule) -> str:
    valeur = cellule.value
    if valeur is None:
        return ""
    if isinstance(valeur, str):
        return valeur.replace("\0", "\ufffd")
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, int | float):
        texte = en_texte(valeur)
        zeros = re.fullmatch(r"0+", cellule.number_format or "")
        return texte.zfill(len(zeros[0])) if zeros and texte.isdigit() else texte
    return en_texte(valeur)


def en_texte(valeur) -> str:
    """Écrit une valeur typée comme un CSV officiel l'écrirait.

    >>> [en_texte(v) for v in (1001, 1001.0, 12.5, None, True)]
    ['1001', '1001', '12.5', '', 'oui']
    """
    if valeur is None or (isinstance(valeur, float) and np.isnan(valeur)):
        return ""
    if isinstance(valeur, bool | np.bool_):
        return "oui" if valeur else "non"
    if isinstance(valeur, float | np.floating):
        reel = float(valeur)
        return str(int(reel)) if reel.is_integer() and abs(reel) < 1e15 else repr(reel)
    if isinstance(valeur, dt.datetime):
        return valeur.date().isoformat() if valeur.time() == dt.time() else valeur.isoformat()
    if isinstance(valeur, dt.date):
        return valeur.isoformat()
    if isinstance(valeur, list | tuple | np.ndarray):
        return " | ".join(en_texte(v) for v in valeur)
    return str(valeur)


def _feuilles_ods(src: octets.Fichier, *, lire_lignes: bool = True) -> Iterator[tuple[str, list[list[str]]]]:
    with zipfile.ZipFile(_contenu(src)) as archive, archive.open("content.xml") as flux:
        rangs: list[list[str]] = []
        for evenement, noeud in ElementTree.iterparse(flux, events=("start", "end")):
            if evenement == "start":
                if noeud.tag == f"{_T}table":
                    rangs = []
                continue
            if noeud.tag == f"{_T}table-row":
                if lire_lignes:
                    _ajouter_ligne(rangs, noeud)
                noeud.clear()
            elif noeud.tag == f"{_T}table":
                yield noeud.get(f"{_T}name", ""), rangs
                noeud.clear()


def _ajouter_ligne(rangs: list[list[str]], noeud: ElementTree.Element) -> None:
    rang: list[str] = []
    for cellule in noeud:
        if cellule.tag not in (f"{_T}table-cell", f"{_T}covered-table-cell"):
            continue
        texte = _texte_ods(cellule)
        fois = int(cellule.get(f"{_T}number-columns-repeated", "1"))
        # La fin d'une ligne est souvent « vide, répétée 16 000 fois ».
        rang += [texte] * (min(fois, _LARGEUR_MAX - len(rang)) if texte else min(fois, 512))
    while rang and not rang[-1]:
        rang.pop()
    fois = int(noeud.get(f"{_T}number-rows-repeated", "1"))
    if rang:
        rangs += [rang] * min(fois, _LIGNES_MAX - len(rangs))
    else:
        rangs += [[]] * min(fois, 1000)


def _paragraphe(noeud: ElementTree.Element) -> str:
    """Texte d'un paragraphe : ses sauts de ligne, ses tabulations et ses espaces répétées sont des éléments."""
    blancs = {f"{_X}line-break": "\n", f"{_X}tab": "\t", f"{_X}s": " " * int(noeud.get(f"{_X}c", "1"))}
    if noeud.tag in blancs:
        return blancs[noeud.tag]
    if not noeud.tag.startswith(_X):
        return ""
    return (noeud.text or "") + "".join(_paragraphe(e) + (e.tail or "") for e in noeud)


def _texte_ods(cellule: ElementTree.Element) -> str:
    genre = cellule.get(f"{_O}value-type", "")
    # Les seuls paragraphes de la cellule : une note, une forme posée dessus en ont aussi, plus bas.
    affiche = "\n".join(_paragraphe(p) for p in cellule.findall(f"{_X}p"))
    if genre == "boolean":
        return "oui" if cellule.get(f"{_O}boolean-value", affiche).lower() in ("true", "vrai") else "non"
    if genre in ("float", "percentage", "currency"):
        # Un code affiché « 01001 » est rangé comme le nombre 1001 : l'affichage garde le zéro.
        if re.fullmatch(r"0\d+", affiche.strip()):
            return affiche.strip()
        return en_texte(float(cellule.get(f"{_O}value", "nan")))
    if genre == "date":
        return cellule.get(f"{_O}date-value", "").removesuffix("T00:00:00")
    return affiche
