"""Fabrique les modèles de registre, ``templates/registres/*.xlsx`` : un par type, prêts à remplir.

    python data/construction/modeles.py

Les colonnes et les listes de choix viennent de ``cafdiag.donnees.registres_champs`` : le modèle et le
lecteur ne peuvent pas diverger. Deux fabrications donnent les mêmes octets.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

RACINE = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(RACINE), str(RACINE / "data")]

from cafdiag.donnees.registres_champs import ASSISTANTS, TYPES, Champ, champs_de  # noqa: E402
from cafdiag.magasin import ecrire_atomique, lire_table  # noqa: E402
from construction.modele_activite import classeur_activite  # noqa: E402

LIGNES = 1000
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
DATE_FIXE = dt.datetime(2025, 1, 1)
REMARQUE = "Remarque"
_TITRE = Font(bold=True, color="FFFFFF")
_OBLIGATOIRE = PatternFill("solid", fgColor="8A1538")
_FACULTATIF = PatternFill("solid", fgColor="3D5A80")
_EXEMPLE = PatternFill("solid", fgColor="FFF4CC")

# Fichier → (types admis, lignes d'exemple). Les noms sont inventés ; les communes existent.
MODELES: dict[str, tuple[tuple[str, ...], list[dict]]] = {
    "eaje": (
        ("eaje", "micro_creche"),
        [
            {
                "type": "eaje",
                "nom": "EXEMPLE – Crèche des Trois Nuages",
                "code": "53084",
                "places": 30,
                "type_accueil": "Multi-accueil",
                "mode_financement": "psu",
                "heures_facturees": 52000,
                "heures_realisees": 49500.5,
                "date_ouverture": dt.date(2012, 9, 3),
            },
            {
                "type": "micro_creche",
                "nom": "EXEMPLE – Micro-crèche Pomme d'Api",
                "code": "53188",
                "places": 12,
                "type_accueil": "Micro-crèche",
                "mode_financement": "paje",
                "date_ouverture": dt.date(2021, 1, 4),
            },
        ],
    ),
    "alsh": (
        ("alsh",),
        [
            {
                "type": "alsh",
                "nom": "EXEMPLE – Accueil de loisirs des Cabanes",
                "code": "53084",
                "temps": "mercredi",
                "places_moins_6": 24,
                "places_6_11": 36,
                "places_12_17": 0,
                "heures_realisees": 15400,
            },
            {
                "type": "alsh",
                "nom": "EXEMPLE – Accueil de loisirs des Cabanes",
                "code": "53084",
                "temps": "juillet",
                "places_moins_6": 32,
                "places_6_11": 48,
                "places_12_17": 12,
                "heures_realisees": 11250,
            },
            {
                "type": "alsh",
                "nom": "EXEMPLE – Accueil de loisirs du Moulin",
                "code": "53077",
                "temps": "mercredi",
                "places_moins_6": 16,
                "places_6_11": 24,
                "places_12_17": 0,
            },
        ],
    ),
    "centres_sociaux": (
        ("centre_social",),
        [
            {
                "type": "centre_social",
                "nom": "EXEMPLE – Centre social du Grand Chêne",
                "code": "53084",
                "statut_agrement": "agree",
                "date_agrement": dt.date(2023, 1, 1),
                "date_fin_agrement": dt.date(2026, 12, 31),
                "communes_couvertes": "53084 53188",
            },
        ],
    ),
    "evs": (
        ("evs",),
        [
            {
                "type": "evs",
                "nom": "EXEMPLE – La Place aux Idées",
                "code": "53018",
                "statut_agrement": "agree",
                "date_agrement": dt.date(2024, 1, 1),
                "date_fin_agrement": dt.date(2027, 12, 31),
            },
            {
                "type": "evs",
                "nom": "EXEMPLE – Le Café d'à Côté",
                "code": "53188",
                "statut_agrement": "prefiguration",
            },
        ],
    ),
    "laep": (
        ("laep",),
        [
            {
                "type": "laep",
                "nom": "EXEMPLE – Le Jardin des Petits Pas",
                "code": "53077",
                "statut_agrement": "agree",
                "heures_ouverture": 132,
            },
        ],
    ),
    "rpe": (
        ("rpe",),
        [
            {
                "type": "rpe",
                "nom": "EXEMPLE – Relais petite enfance des Quatre Vents",
                "code": "53084",
                "statut_agrement": "agree",
                "etp": 1.8,
                "communes_couvertes": "53084 53188 53077",
                "missions_renforcees": "oui",
            },
        ],
    ),
    "france_services": (
        ("france_services",),
        [
            {
                "type": "france_services",
                "nom": "EXEMPLE – France services de la Halle",
                "code": "53188",
                "statut_agrement": "agree",
                "format": "fixe",
                "date_agrement": dt.date(2021, 7, 1),
            },
        ],
    ),
    "ps_jeunes": (
        ("ps_jeunes",),
        [
            {
                "type": "ps_jeunes",
                "nom": "EXEMPLE – L'Escale des jeunes",
                "code": "53084",
                "statut_agrement": "agree",
                "etp": 1.5,
                "jeunes_accueillis": 140,
            },
        ],
    ),
    ASSISTANTS: (
        (ASSISTANTS,),
        [
            {"type": ASSISTANTS, "code": "53084", "agrees": 40, "en_exercice": 33, "places": 128},
            {"type": ASSISTANTS, "code": "53018", "agrees": 12, "en_exercice": 10, "places": 41},
        ],
    ),
}
_CONSIGNES = [
    "Une ligne par structure (pour les accueils de loisirs : une ligne par structure et par temps d'accueil).",
    "Les colonnes marquées d'une étoile sont obligatoires. Une case inconnue reste vide : jamais zéro.",
    "Les codes s'écrivent en texte, zéros de tête compris : 01004, 2A004, 97101.",
    "Sans code Insee, donnez le nom de la commune et son code postal, ou la longitude et la latitude.",
    "Remplacez les lignes d'exemple (fond jaune, nom commençant par EXEMPLE) : elles ne sont pas importées.",
    "N'écrivez jamais le nom, le téléphone ou le courriel d'une personne, une date de naissance, un numéro "
    "de sécurité sociale ni un matricule allocataire : le fichier serait refusé.",
    "Pour importer : cafdiag donnees importer CE_FICHIER.xlsx",
]
_CONSIGNES_ASSISTANTS = [
    "Une ligne par commune et par année : des nombres, jamais une personne, jamais une adresse.",
    *_CONSIGNES[1:3],
    "Remplacez les lignes d'exemple (fond jaune).",
    *_CONSIGNES[5:],
]
_GENRES = {
    "texte": "texte",
    "code": "code Insee, en texte",
    "coordonnee": "degrés (WGS84) ou Lambert-93",
    "entier": "nombre entier",
    "nombre": "nombre, virgule décimale",
    "date": "date JJ/MM/AAAA",
    "annee": "année",
    "choix": "liste",
    "codes": "codes Insee séparés par une espace",
}


def obligatoires(types: tuple[str, ...]) -> frozenset[str]:
    """Champs marqués d'une étoile dans le modèle."""
    if types == (ASSISTANTS,):
        return frozenset({"type", "code", "annee", "agrees"})
    plus = {"alsh": {"temps"}, "eaje": {"places"}}.get(types[0], set())
    return frozenset({"type", "nom", "code", *plus})


def fabriquer(nom: str) -> bytes:
    """Octets du modèle ``nom``."""
    types, exemples = MODELES[nom]
    champs = champs_de(types[0])
    classeur = Workbook()
    feuille = classeur.active
    feuille.title = "Registre"
    listes = classeur.create_sheet("Listes")
    listes.sheet_state = "hidden"
    exigees = obligatoires(types)
    for rang, champ in enumerate(champs, start=1):
        _colonne(feuille, listes, rang, champ, types, obligatoire=champ.nom in exigees)
    communes = lire_table("communes", colonnes=["code", "nom", "codes_postaux", "lon", "lat"]).set_index(
        "code"
    )
    for rang, exemple in enumerate(exemples, start=2):
        _exemple(feuille, rang, champs, _completer(exemple, communes))
    if types == (ASSISTANTS,):
        _remarques(feuille, len(champs) + 1, len(exemples))
    feuille.freeze_panes = "C2"
    feuille.auto_filter.ref = f"A1:{get_column_letter(len(champs))}{len(exemples) + 1}"
    feuille.row_dimensions[1].height = 45
    _mode_d_emploi(classeur.create_sheet("Mode d'emploi"), champs, types, exigees)
    classeur.properties.creator = "cafdiag"
    classeur.properties.title = f"Modèle de registre : {', '.join(TYPES[t][0] for t in types)}"
    classeur.properties.created = DATE_FIXE
    tampon = io.BytesIO()
    classeur.save(tampon)
    return figer(tampon.getvalue())


def _choix(champ: Champ, types: tuple[str, ...]) -> list[str]:
    return [libelle for cle, (libelle, _) in champ.choix.items() if champ.nom != "type" or cle in types]


def _colonne(feuille, listes, rang: int, champ: Champ, types: tuple[str, ...], *, obligatoire: bool) -> None:
    lettre = get_column_letter(rang)
    titre = feuille.cell(1, rang, champ.libelle + (" *" if obligatoire else ""))
    titre.font, titre.fill = _TITRE, _OBLIGATOIRE if obligatoire else _FACULTATIF
    titre.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    bulle = Comment(champ.aide or _GENRES[champ.genre], "cafdiag", width=260, height=60)
    titre.comment = bulle
    colonne = feuille.column_dimensions[lettre]
    colonne.width = 40 if champ.nom in ("nom", "adresse") else 18
    # Tout le reste de la colonne est en texte : un tableur n'y mange plus le zéro de 01004.
    if champ.nom in ("code", "code_postal", "communes_couvertes"):
        colonne.number_format = "@"
    elif champ.genre == "date":
        colonne.number_format = "DD/MM/YYYY"
    regle = _validation(champ)
    if champ.choix:
        choix = _choix(champ, types)
        for ligne, libelle in enumerate(choix, start=1):
            listes.cell(ligne, rang, libelle)
        regle = DataValidation(type="list", formula1=f"Listes!${lettre}$1:${lettre}${len(choix)}")
    if regle is not None:
        regle.allow_blank = True
        regle.showErrorMessage = True
        regle.errorTitle = champ.libelle[:32]
        regle.error = f"Attendu : {champ.aide or _GENRES[champ.genre]}"
        feuille.add_data_validation(regle)
        regle.add(f"{lettre}2:{lettre}{LIGNES}")


def _validation(champ: Champ) -> DataValidation | None:
    if champ.nom in ("code", "code_postal"):
        return DataValidation(type="textLength", operator="equal", formula1="5")
    if champ.genre == "entier":
        return DataValidation(type="whole", operator="greaterThanOrEqual", formula1="0")
    if champ.genre == "nombre":
        return DataValidation(type="decimal", operator="greaterThanOrEqual", formula1="0")
    if champ.genre == "annee":
        return DataValidation(type="whole", operator="between", formula1="2000", formula2="2100")
    if champ.genre == "date":
        return DataValidation(type="date", operator="greaterThanOrEqual", formula1="1")
    return None


def _completer(exemple: dict, communes) -> dict:
    commune = communes.loc[exemple["code"]]
    lieu = {"commune": commune["nom"], "code_postal": commune["codes_postaux"].split()[0], "annee": 2024}
    if exemple["type"] != ASSISTANTS:
        lieu |= {
            "lon": round(float(commune["lon"]), 4),
            "lat": round(float(commune["lat"]), 4),
            "adresse": "1 rue de l'Exemple",
            "gestionnaire": "Communauté de communes de l'Exemple",
        }
    return {**lieu, **exemple}


def _exemple(feuille, ligne: int, champs: list[Champ], exemple: dict) -> None:
    for rang, champ in enumerate(champs, start=1):
        valeur = exemple.get(champ.nom)
        if champ.choix and valeur is not None:
            valeur = champ.choix[valeur][0]
        case = feuille.cell(ligne, rang, valeur)
        case.fill = _EXEMPLE
        if champ.nom in ("code", "code_postal", "communes_couvertes"):
            case.number_format = "@"
        elif champ.genre == "date":
            case.number_format = "DD/MM/YYYY"


def _remarques(feuille, rang: int, nombre: int) -> None:
    titre = feuille.cell(1, rang, REMARQUE)
    titre.font, titre.fill = _TITRE, _FACULTATIF
    feuille.column_dimensions[get_column_letter(rang)].width = 28
    for ligne in range(2, nombre + 2):
        feuille.cell(ligne, rang, "EXEMPLE à remplacer").fill = _EXEMPLE


def _mode_d_emploi(feuille, champs: list[Champ], types: tuple[str, ...], exigees: frozenset[str]) -> None:
    feuille.column_dimensions["A"].width = 34
    feuille.column_dimensions["B"].width = 14
    feuille.column_dimensions["C"].width = 90
    feuille.cell(1, 1, "Mode d'emploi").font = Font(bold=True, size=14)
    consignes = _CONSIGNES_ASSISTANTS if types == (ASSISTANTS,) else _CONSIGNES
    for ligne, consigne in enumerate(consignes, start=3):
        feuille.cell(ligne, 1, f"{ligne - 2}. {consigne}")
    debut = len(consignes) + 4
    for rang, texte in enumerate(("Intitulé", "Présence", "Ce qu'on y écrit"), start=1):
        feuille.cell(debut, rang, texte).font = Font(bold=True)
    for ligne, champ in enumerate(champs, start=debut + 1):
        ecrit = champ.aide or _GENRES[champ.genre]
        if champ.choix:
            ecrit = "au choix : " + ", ".join(_choix(champ, types))
        feuille.cell(ligne, 1, champ.libelle)
        feuille.cell(ligne, 2, "obligatoire" if champ.nom in exigees else "facultatif")
        feuille.cell(ligne, 3, ecrit)


def figer(octets: bytes) -> bytes:
    """Le même classeur, aux dates fixes et sans compression : ses octets ne dépendent que de son contenu.

    La compression varie avec la version de zlib ; un classeur non compressé est lu partout.
    """
    instant = DATE_FIXE.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    sortie = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(octets)) as source, zipfile.ZipFile(sortie, "w") as cible:
        for membre in sorted(
            source.infolist(), key=lambda m: (m.filename != "[Content_Types].xml", m.filename)
        ):
            contenu = source.read(membre)
            if membre.filename == "docProps/core.xml":
                contenu = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + instant, contenu)
            # Avec ou sans lxml, openpyxl écrit le même contenu autrement : la forme canonique les réunit.
            contenu = _DECLARATION + ElementTree.canonicalize(contenu.decode("utf-8")).encode()
            neuf = zipfile.ZipInfo(membre.filename, date_time=DATE_FIXE.timetuple()[:6])
            neuf.create_system = 0
            cible.writestr(neuf, contenu, compress_type=zipfile.ZIP_STORED)
    return sortie.getvalue()


def main() -> int:
    """Écrit tous les modèles."""
    dossier = RACINE / "templates" / "registres"
    for nom in MODELES:
        ecrire_atomique(dossier / f"{nom}.xlsx", fabriquer(nom))
    ecrire_atomique(dossier / "activite.xlsx", figer(classeur_activite()))
    print(f"{len(MODELES) + 1} modèles écrits", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
