"""Ouvrir le fichier d'un registre : classeur xlsx, ods, ou csv, cellule par cellule, sans rien exécuter.

Une formule n'est jamais évaluée : nous lisons la valeur que le tableur a enregistrée, ou la refusons s'il
n'y en a pas. Les classeurs sont des archives zip : leur taille dépliée est bornée avant lecture.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import statistics
import unicodedata
import warnings
import zipfile
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from cafdiag.donnees.classeurs import avec_feuilles
from cafdiag.donnees.delimite import trouver_separateur
from cafdiag.donnees.octets import decoder
from cafdiag.erreurs import EntreeFautive, fichier_illisible

TAILLE_MAX = 30_000_000
DEPLIE_MAX = 200_000_000
LIGNES_MAX = 100_000
COLONNES_MAX = 400
ATTENDU = "un classeur xlsx ou ods, un CSV (UTF-8 ou Windows) ou un GeoJSON, une ligne par structure"
_DEBUT = 1 << 18
_CONSEIL = "ouvrez-le dans le tableur et enregistrez-le de nouveau"
SANS_VALEUR = "=formule sans valeur="

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXTE = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


@dataclass
class Feuille:
    """Une feuille : ses lignes non vides, numérotées comme dans le tableur (la première est 1)."""

    nom: str
    lignes: list[tuple[int, list[str]]] = field(default_factory=list)
    formules: set[tuple[int, int]] = field(default_factory=set)
    fusions: set[tuple[int, int]] = field(default_factory=set)
    remarques: list[str] = field(default_factory=list)

    def etendre(self, fusions: list[tuple[int, int, int, int]]) -> None:
        """Une case fusionnée de haut en bas vaut pour chacune de ses lignes (rangs depuis 1, colonnes depuis 0)."""
        lignes = dict(self.lignes)
        for haut, gauche, bas, _ in fusions:
            premiere = lignes.get(haut, [])
            valeur = premiere[gauche] if gauche < len(premiere) else ""
            for rang in range(haut + 1, bas + 1):
                cellules = lignes.get(rang)
                if not valeur or cellules is None:
                    continue
                cellules += [""] * (gauche + 1 - len(cellules))
                if not cellules[gauche]:
                    cellules[gauche] = valeur
                    self.fusions.add((rang, gauche))

    def ajouter(self, numero: int, cellules: list[str]) -> None:
        """Garde la ligne si elle n'est pas vide, cases vides finales ôtées."""
        while cellules and not cellules[-1]:
            cellules.pop()
        if cellules:
            self.lignes.append((numero, cellules))


def propre(texte: str) -> str:
    """Texte d'une seule ligne, sans caractère de commande ni marque invisible qui retournerait l'affichage.

    >>> propre("  Crèche\\u00a0 du\\nParc\\u202e\\x07 ")
    'Crèche du Parc'
    """
    garde = "".join(
        c
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co")
        else (" " if c in "\t\r\n\x0b\x0c" else "")
        for c in texte
    )
    return unicodedata.normalize("NFC", " ".join(garde.split()))


def en_texte(valeur) -> str:
    """Valeur d'une case de tableur en texte, sans perte : entiers entiers, virgule décimale, dates ISO.

    >>> [en_texte(v) for v in (None, 53084.0, 12.5, 185057501234556.0, True)]
    ['', '53084', '12,5', '185057501234556', 'oui']
    """
    if valeur is None:
        return ""
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, dt.datetime):
        return valeur.date().isoformat() if valeur.time() == dt.time() else valeur.isoformat(" ")
    if isinstance(valeur, dt.date):
        return valeur.isoformat()
    if isinstance(valeur, float):
        if valeur != valeur or valeur in (float("inf"), float("-inf")):
            return "#NOMBRE!"
        if valeur == int(valeur):
            return str(int(valeur))
        return format(Decimal(repr(valeur)), "f").replace(".", ",")
    return propre(str(valeur))


def lire_feuilles(chemin: str | Path) -> list[Feuille]:
    """Lit toutes les feuilles visibles d'un fichier.

    Raises
    ------
    EntreeFautive
        Fichier absent, vide, trop gros, protégé, abîmé, ou d'un autre format.
    """
    chemin = Path(chemin)
    try:
        octets = chemin.read_bytes() if chemin.stat().st_size <= TAILLE_MAX else None
    except OSError as cause:
        raise fichier_illisible(chemin, cause, attendu=ATTENDU, conseil=_CONSEIL) from cause
    if octets is None:
        raise _illisible(chemin, f"fichier de plus de {TAILLE_MAX // 1_000_000} Mo")
    if not octets.strip(b"\xef\xbb\xbf \t\r\n"):
        raise _illisible(chemin, "fichier vide")
    if octets.startswith(b"\xd0\xcf\x11\xe0"):
        raise EntreeFautive(
            chemin.name,
            ["ancien format .xls, ou classeur protégé par un mot de passe"],
            attendu=ATTENDU,
            conseil="enregistrez-le en .xlsx, sans mot de passe",
        )
    if not octets.startswith(b"PK"):
        autre = octets.startswith((b"\x1f\x8b", b"PAR1")) or _est_json(octets)
        return [_autre(chemin) if autre else _csv(chemin, octets)]
    try:
        noms = _deplier(chemin, octets)
        if not {"content.xml", "xl/workbook.xml"} & noms:
            return [_autre(chemin)]
        feuilles = _ods(octets) if "content.xml" in noms else _xlsx(octets, chemin.name)
    except EntreeFautive:
        raise
    # Un classeur abîmé fait échouer zipfile, expat ou openpyxl de vingt façons : toutes valent un refus.
    except Exception as cause:
        raise _illisible(chemin, f"classeur abîmé ({type(cause).__name__})") from cause
    for feuille in feuilles:
        _borner(chemin, feuille)
    return feuilles


def _est_json(octets: bytes) -> bool:
    return decoder(octets[:4096])[0].lstrip()[:1] in ("{", "[")


def _autre(chemin: Path) -> Feuille:
    """JSON, GeoJSON, Parquet ou archive d'une liste publique : lus par la voie des fichiers officiels."""
    from cafdiag.donnees.lecture import lire_tableau

    brut = lire_tableau(chemin)
    feuille = Feuille("", remarques=[*brut.remarques, *map(str, brut.rejets)])
    debut = int(brut.lignes[0]) if len(brut.lignes) else 1
    feuille.lignes.append((debut - 1, [propre(c) for c in brut.entete]))
    for numero, valeurs in zip(brut.lignes.tolist(), brut.table.itertuples(index=False), strict=True):
        feuille.ajouter(numero, [propre(c) for c in valeurs])
    _borner(chemin, feuille)
    return feuille


def _illisible(chemin: Path, trouve: str) -> EntreeFautive:
    return EntreeFautive(
        chemin.name,
        [trouve],
        attendu=ATTENDU,
        conseil=_CONSEIL,
    )


def _borner(chemin: Path, feuille: Feuille) -> None:
    if len(feuille.lignes) > LIGNES_MAX:
        raise _illisible(chemin, f"plus de {LIGNES_MAX} lignes")
    if any(len(cellules) > COLONNES_MAX for _, cellules in feuille.lignes):
        raise _illisible(chemin, f"plus de {COLONNES_MAX} colonnes")


def _deplier(chemin: Path, octets: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        membres = archive.infolist()
        if len(membres) > 2000 or sum(m.file_size for m in membres) > DEPLIE_MAX:
            raise _illisible(chemin, "archive démesurée une fois dépliée")
        return {m.filename for m in membres}


def _xlsx(octets: bytes, fichier: str) -> list[Feuille]:
    import openpyxl

    warnings.filterwarnings("ignore", module="openpyxl")
    # Deux lectures : les formules d'un côté, la dernière valeur calculée par le tableur de l'autre.
    ecrit = avec_feuilles(openpyxl.load_workbook(io.BytesIO(octets), read_only=True), fichier)
    calcule = openpyxl.load_workbook(io.BytesIO(octets), read_only=True, data_only=True)
    feuilles = []
    try:
        for onglet in ecrit.worksheets:
            if onglet.sheet_state != "visible":
                continue
            autre = calcule[onglet.title]
            # La dimension écrite par certains logiciels est fausse (« A1 ») et ferait perdre des lignes.
            onglet.reset_dimensions()
            autre.reset_dimensions()
            feuille = Feuille(onglet.title)
            for rang, (ligne, valeurs) in enumerate(
                zip(
                    onglet.iter_rows(max_col=COLONNES_MAX + 1),
                    autre.iter_rows(max_col=COLONNES_MAX + 1, values_only=True),
                    strict=True,
                ),
                start=1,
            ):
                cellules = []
                for colonne, (case, valeur) in enumerate(zip(ligne, valeurs, strict=True)):
                    if case.data_type == "f":
                        feuille.formules.add((rang, colonne))
                        cellules.append(SANS_VALEUR if valeur is None else en_texte(valeur))
                    else:
                        cellules.append(en_texte(case.value))
                feuille.ajouter(rang, cellules)
            feuille.etendre(_fusions_xlsx(octets, onglet))
            feuilles.append(feuille)
    finally:
        ecrit.close()
        calcule.close()
    return feuilles


def _fusions_xlsx(octets: bytes, onglet) -> list[tuple[int, int, int, int]]:
    """Cases fusionnées d'une feuille : la lecture au fil de l'eau d'openpyxl ne les dit pas."""
    from openpyxl.utils import range_boundaries

    with zipfile.ZipFile(io.BytesIO(octets)) as archive, archive.open(onglet._worksheet_path) as flux:
        plages = [e.get("ref", "") for _, e in ElementTree.iterparse(flux) if e.tag.endswith("}mergeCell")]
    limites = [range_boundaries(p) for p in plages if p]
    return [(haut, gauche - 1, bas, droite - 1) for gauche, haut, droite, bas in limites]


def _ods(octets: bytes) -> list[Feuille]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        racine = ElementTree.fromstring(archive.read("content.xml"))
    styles_caches = {
        style.get("{urn:oasis:names:tc:opendocument:xmlns:style:1.0}name")
        for style in racine.iter("{urn:oasis:names:tc:opendocument:xmlns:style:1.0}style")
        for p in style
        if p.get(f"{_TABLE}display") == "false"
    }
    feuilles = []
    for onglet in racine.iter(f"{_TABLE}table"):
        if onglet.get(f"{_TABLE}style-name") in styles_caches:
            continue
        feuille, rang = Feuille(onglet.get(f"{_TABLE}name", "")), 0
        fusions = []
        for ligne in onglet.iter(f"{_TABLE}table-row"):
            cellules: list[str] = []
            formules: list[int] = []
            for case in ligne:
                if case.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                    continue
                fois = int(case.get(f"{_TABLE}number-columns-repeated", "1"))
                valeur = _valeur_ods(case)
                hauteur = int(case.get(f"{_TABLE}number-rows-spanned", "1"))
                if hauteur > 1:
                    fusions.append((rang + 1, len(cellules), rang + hauteur, len(cellules)))
                if case.get(f"{_TABLE}formula"):
                    formules.append(len(cellules))
                    valeur = valeur or SANS_VALEUR
                # Une dernière case vide est répétée jusqu'au bord de la feuille (16 384 colonnes).
                cellules += [valeur] * min(fois, COLONNES_MAX + 1 - len(cellules))
            fois = int(ligne.get(f"{_TABLE}number-rows-repeated", "1"))
            if any(cellules):
                if fois > LIGNES_MAX:
                    raise ValueError("lignes répétées")
                for _ in range(fois):
                    rang += 1
                    feuille.ajouter(rang, list(cellules))
                    feuille.formules |= {(rang, c) for c in formules}
            else:
                rang += fois
        feuille.etendre(fusions)
        feuilles.append(feuille)
    return feuilles


def _valeur_ods(case: ElementTree.Element) -> str:
    genre = case.get(f"{_OFFICE}value-type")
    if genre in ("float", "percentage", "currency"):
        return en_texte(float(case.get(f"{_OFFICE}value", "nan")))
    if genre == "date":
        return case.get(f"{_OFFICE}date-value", "").removesuffix("T00:00:00")
    if genre == "boolean":
        return "oui" if case.get(f"{_OFFICE}boolean-value") == "true" else "non"
    # Les notes de case (annotations) sont aussi des paragraphes : seuls les enfants directs comptent.
    return propre(" ".join("".join(_morceaux(p)) for p in case.findall(f"{_TEXTE}p")))


def _morceaux(element: ElementTree.Element):
    # <text:s text:c="3"/> vaut trois espaces : sans cela les mots se collent.
    if element.tag == f"{_TEXTE}s":
        yield " " * min(int(element.get(f"{_TEXTE}c", "1")), 50)
    elif element.tag in (f"{_TEXTE}tab", f"{_TEXTE}line-break"):
        yield " "
    yield element.text or ""
    for enfant in element:
        yield from _morceaux(enfant)
        yield enfant.tail or ""


def _csv(chemin: Path, octets: bytes) -> Feuille:
    texte = decoder(octets)[0]
    if "\x00" in texte or texte.lstrip()[:1] in ("<", "{", "["):
        raise _illisible(chemin, "ce n'est pas un tableau")
    separateur = trouver_separateur(texte[:_DEBUT].replace("\r\n", "\n").replace("\r", "\n"))
    feuille = Feuille("")
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=separateur, strict=True)
    debut, lignes_brutes = 1, []
    try:
        for cellules in lecteur:
            feuille.ajouter(debut, [propre(c) for c in cellules])
            lignes_brutes.append(len(cellules))
            debut = lecteur.line_num + 1
    except csv.Error as cause:
        raise _illisible(chemin, f"ligne {debut} : guillemets ou séparateurs mal formés") from cause
    _borner(chemin, feuille)
    # Une dernière ligne sans fin et plus courte que les autres a perdu son bout ; une note n'a jamais eu qu'une case.
    courante = statistics.mode(lignes_brutes) if lignes_brutes else 0
    if not texte.endswith(("\n", "\r")) and len(lignes_brutes) > 1 and 1 < lignes_brutes[-1] < courante:
        raise _illisible(
            chemin, f"fichier coupé : la dernière ligne ({feuille.lignes[-1][0]}) est incomplète"
        )
    return feuille
