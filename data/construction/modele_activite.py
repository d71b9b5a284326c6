"""Fabrique ``templates/registres/activite.xlsx`` : une ligne par territoire, grandeur et année.

La liste des grandeurs vient de ``data/grandeurs.csv`` : le modèle et le lecteur ne peuvent pas diverger.
"""

from __future__ import annotations

import io

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from cafdiag.donnees.grandeurs import grandeurs
from cafdiag.donnees.registres_activite import CHAMPS_ACTIVITE, OBLIGATOIRES

LIGNES = 1000
_TITRE = Font(bold=True, color="FFFFFF")
_OBLIGATOIRE = PatternFill("solid", fgColor="8A1538")
_FACULTATIF = PatternFill("solid", fgColor="3D5A80")
_EXEMPLE = PatternFill("solid", fgColor="FFF4CC")
_LARGEURS = {"maille": 14, "code": 18, "nom": 34, "grandeur": 52, "annee": 10, "valeur": 14, "source": 34}
_MAILLES = ("Commune", "EPCI", "Département")
# Des chiffres inventés, pour montrer la forme ; les territoires existent.
_EXEMPLES = (
    ("EPCI", "200048551", "heures_facturees_eaje", 98000),
    ("EPCI", "200048551", "heures_realisees_eaje", 92500),
    ("Commune", "53084", "am_actifs", 33),
    ("Département", "53", "rendez_vous_droits", 1200),
)
_CONSIGNES = (
    "Une ligne par territoire (commune, EPCI ou département), par grandeur et par année.",
    "Les colonnes marquées d'une étoile sont obligatoires. Une valeur inconnue ne s'écrit pas : jamais zéro.",
    "Les codes s'écrivent en texte, zéros de tête compris : 01004, 2A004, 200048551, 53.",
    "Un chiffre donné à l'EPCI sert à l'EPCI, et au département si tous ses EPCI sont là. Il ne se découpe pas par "
    "commune : pour un périmètre plus petit, donnez les communes.",
    "La grandeur se choisit dans la liste ; chacune est définie ci-dessous.",
    "Un numérateur et son dénominateur se donnent à la même maille et à la même année.",
    "La source dit qui a remis le chiffre : elle est citée à côté de chaque mesure.",
    "Remplacez les lignes d'exemple (fond jaune, nom commençant par EXEMPLE) : elles ne sont pas importées.",
    "Des nombres, jamais des personnes : ni nom, ni matricule, ni téléphone ; le fichier serait refusé.",
    "Les grandeurs confidentielles remises par une Caf gardent leur classe : leurs petits effectifs se masquent.",
    "Pour importer : cafdiag donnees importer CE_FICHIER.xlsx",
)
_CLASSES = {
    "publique_exacte": "publique",
    "publique_arrondie": "publique, arrondie",
    "confidentielle_partenaire": "confidentielle, remise par un partenaire",
}


def classeur_activite() -> bytes:
    """Octets du modèle, dates et compression non figées."""
    classeur = Workbook()
    feuille = classeur.active
    feuille.title = "Activité"
    listes = classeur.create_sheet("Listes")
    listes.sheet_state = "hidden"
    table = grandeurs()
    for rang, libelle in enumerate(table["libelle"], start=1):
        listes.cell(rang, 1, libelle)
    regles = {
        "maille": DataValidation(type="list", formula1=f'"{",".join(_MAILLES)}"'),
        "grandeur": DataValidation(type="list", formula1=f"Listes!$A$1:$A${len(table)}"),
        "annee": DataValidation(type="whole", operator="between", formula1="2000", formula2="2100"),
        "valeur": DataValidation(
            type="decimal", operator="between", formula1="-1000000000", formula2="1000000000000"
        ),
    }
    for rang, champ in enumerate(CHAMPS_ACTIVITE.values(), start=1):
        lettre = get_column_letter(rang)
        obligatoire = champ.nom in OBLIGATOIRES
        titre = feuille.cell(1, rang, champ.libelle + (" *" if obligatoire else ""))
        titre.font, titre.fill = _TITRE, _OBLIGATOIRE if obligatoire else _FACULTATIF
        titre.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
        if champ.aide:
            titre.comment = Comment(champ.aide, "cafdiag", width=260, height=60)
        feuille.column_dimensions[lettre].width = _LARGEURS[champ.nom]
        if champ.nom == "code":
            feuille.column_dimensions[lettre].number_format = "@"
        regle = regles.get(champ.nom)
        if regle is not None:
            regle.allow_blank = regle.showErrorMessage = True
            regle.errorTitle, regle.error = champ.libelle, "Choisissez dans la liste, ou donnez un nombre"
            feuille.add_data_validation(regle)
            regle.add(f"{lettre}2:{lettre}{LIGNES}")
    for ligne, (maille, code, grandeur, valeur) in enumerate(_EXEMPLES, start=2):
        valeurs = (
            maille,
            code,
            "EXEMPLE à remplacer",
            table.at[grandeur, "libelle"],
            2024,
            valeur,
            "Caf de l'exemple",
        )
        for rang, contenu in enumerate(valeurs, start=1):
            case = feuille.cell(ligne, rang, contenu)
            case.fill = _EXEMPLE
            if rang == 2:
                case.number_format = "@"
    feuille.freeze_panes = "A2"
    feuille.auto_filter.ref = f"A1:{get_column_letter(len(CHAMPS_ACTIVITE))}{len(_EXEMPLES) + 1}"
    feuille.row_dimensions[1].height = 30
    _mode_d_emploi(classeur.create_sheet("Mode d'emploi"), table)
    tampon = io.BytesIO()
    classeur.properties.creator = "cafdiag"
    classeur.properties.title = "Modèle d'activité du territoire"
    classeur.save(tampon)
    return tampon.getvalue()


def _mode_d_emploi(feuille, table) -> None:
    for lettre, largeur in zip("ABCDE", (62, 22, 40, 36, 70), strict=True):
        feuille.column_dimensions[lettre].width = largeur
    feuille.cell(1, 1, "Mode d'emploi").font = Font(bold=True, size=14)
    for ligne, consigne in enumerate(_CONSIGNES, start=3):
        feuille.cell(ligne, 1, f"{ligne - 2}. {consigne}")
    debut = len(_CONSIGNES) + 4
    for rang, texte in enumerate(("Mesure", "Unité", "À demander à", "Classe", "Ce qu'on y compte"), start=1):
        feuille.cell(debut, rang, texte).font = Font(bold=True)
    for ligne, g in enumerate(table.itertuples(), start=debut + 1):
        dites = (g.libelle, g.unite, g.producteur, _CLASSES[g.classe], g.precision)
        for rang, texte in enumerate(dites, start=1):
            feuille.cell(ligne, rang, texte)
