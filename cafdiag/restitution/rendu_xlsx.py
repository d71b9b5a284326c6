"""Le tableur du diagnostic : une synthèse, une feuille par thème, le dictionnaire, les sources, les statuts.

Les valeurs sont celles de ``mesures-<code>.csv``, lues de la même sortie du carnet. Un texte n'y devient
jamais une formule ; un code reste un texte ; un manquant laisse une case vide.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from cafdiag.indicateurs import THEMES, dictionnaire
from cafdiag.restitution.archives import sans_dates
from cafdiag.restitution.couleurs import ENCRE, FOND_DOUX, TERRITOIRE
from cafdiag.restitution.echappement import sans_controle
from cafdiag.restitution.formats import STATUTS, decimales_de
from cafdiag.restitution.formats import nombre as ecrire_nombre
from cafdiag.restitution.synthese_xlsx import TITRE, CaseDeSynthese, Synthese

NOMBRES = ("annee", "valeur", "numerateur", "denominateur", "bas", "haut")
# Colonne du CSV, intitulé, largeur : ce qu'on lit d'abord vient d'abord.
COLONNES = (
    ("nom", "Territoire", 30),
    ("territoire", "Code", 12),
    ("maille", "Maille", 13),
    ("role", "Rôle", 14),
    ("libelle", "Indicateur", 48),
    ("indicateur", "Code de l'indicateur", 24),
    ("annee", "Année", 8),
    ("valeur", "Valeur", 12),
    ("modalite", "Modalité", 18),
    ("unite", "Unité", 26),
    ("bas", "Bas", 11),
    ("haut", "Haut", 11),
    ("statut", "Statut", 15),
    ("motif", "Motif", 50),
    ("numerateur", "Numérateur", 13),
    ("denominateur", "Dénominateur", 14),
    ("maille_source", "Maille de la source", 18),
    ("source", "Source", 52),
    ("millesime", "Millésime", 24),
)
_ROLES = {
    "territoire": "territoire",
    "departement": "département",
    "region": "région",
    "france": "France",
    "epci_alentour": "EPCI alentour",
    "carte": "commune (carte)",
    "serie": "autre année",
}


_FORMULE = ("=", "+", "-", "@", "\t", "\r")
_AUTRES = "Autres mesures"


def texte_inerte(texte: object) -> str:
    """Un texte qu'un tableur ne prendra pas pour une formule.

    Examples
    --------
    >>> texte_inerte("=HYPERLINK(1)"), texte_inerte("Crèche"), texte_inerte("-3 %")
    ("'=HYPERLINK(1)", 'Crèche', "'-3 %")
    """
    propre = sans_controle(texte)
    return f"'{propre}" if propre.startswith(_FORMULE) else propre


def rendre_xlsx(mesures_csv: str, *, titre: str, situation: str = "", maille: str = "") -> bytes:
    """Le classeur d'un diagnostic ; mêmes entrées, mêmes octets.

    Parameters
    ----------
    mesures_csv : str
        Contenu de ``mesures-<code>.csv``.
    titre, situation, maille : str
        Ce que dit la garde du rapport.
    """
    lignes = list(csv.DictReader(io.StringIO(mesures_csv)))
    classeur = Workbook(write_only=True)
    themes = dictionnaire()["theme"].to_dict()
    feuilles: dict[str, list[dict]] = {}
    for ligne in lignes:
        theme = THEMES.get(themes.get(ligne["indicateur"]) or _theme_probable(ligne["indicateur"]), _AUTRES)
        feuilles.setdefault(theme, []).append(ligne)
    synthese = Synthese(lignes)
    if synthese.lignes:
        feuille = feuille_en_tableau(classeur, TITRE, synthese.colonnes, synthese.lignes, gele="B2")
        synthese.dessiner(feuille)
    rangees = [t for t in (*THEMES.values(), _AUTRES) if t in feuilles]
    _lisez_moi(
        classeur, titre=titre, situation=situation, maille=maille, feuilles=rangees, nombre=len(lignes)
    )
    for theme in rangees:
        _feuille_de_mesures(classeur, theme, feuilles[theme])
    _dictionnaire(classeur, {ligne["indicateur"] for ligne in lignes})
    _sources(classeur, lignes)
    _statuts(classeur)
    proprietes = classeur.properties
    proprietes.title, proprietes.creator, proprietes.language = sans_controle(titre), "cafdiag", "fr-FR"
    tampon = io.BytesIO()
    classeur.save(tampon)
    return sans_dates(tampon.getvalue())


def _theme_probable(indicateur: str) -> str:
    """Thème d'une mesure propre à une carte : celui des indicateurs de même préfixe."""
    prefixe = indicateur.partition("_")[0] + "_"
    return next((t for c, t in dictionnaire()["theme"].items() if c.startswith(prefixe)), "")


def _feuille(classeur: Workbook, nom: str, largeurs: Sequence[float]):
    # Un nom de feuille a 31 caractères au plus, sans : \ / ? * [ ].
    if len(nom) > 31:
        nom = nom.rpartition(" et ")[0] or nom
    feuille = classeur.create_sheet(nom.translate(str.maketrans(r":\/?*[]", " " * 7))[:31].strip())
    for rang, largeur in enumerate(largeurs, 1):
        feuille.column_dimensions[get_column_letter(rang)].width = largeur
    return feuille


def _format(valeur: float, decimales: int | None, unite: str) -> str:
    """Le format d'affichage : la case garde la valeur entière, le tableur en montre ce que montre le rapport."""
    if decimales is None:
        return "0"
    montre = ecrire_nombre(valeur, decimales=decimales, unite=unite)
    if montre != ecrire_nombre(valeur, decimales=decimales):
        return f'"{montre}"'
    return "#,##0" + ("." + "0" * decimales if decimales else "")


def _case(
    feuille: Any, valeur: Any, decimales: int | None = None, gras: bool = False, unite: str = ""
) -> WriteOnlyCell:
    case = WriteOnlyCell(feuille, value=texte_inerte(valeur) if isinstance(valeur, str) else valeur)
    if isinstance(valeur, str):
        # openpyxl prend « =… » pour une formule, même quand on lui donne un texte.
        case.data_type = "s"
        case.alignment = Alignment(vertical="top", wrap_text=len(valeur) > 40 or "\n" in valeur)
    elif valeur is not None:
        case.alignment = Alignment(vertical="top")
        case.number_format = _format(valeur, decimales, unite)
    if gras:
        case.font = Font(bold=True, color=TERRITOIRE[1:])
    return case


def _entete(feuille: Any, mots: Iterable[str]) -> list[WriteOnlyCell]:
    cases = []
    for mot in mots:
        case = WriteOnlyCell(feuille, value=mot)
        case.font = Font(bold=True, color=ENCRE[1:])
        case.fill = PatternFill("solid", fgColor=FOND_DOUX[1:])
        case.border = Border(bottom=Side("medium", color=ENCRE[1:]))
        case.alignment = Alignment(vertical="center", wrap_text=True)
        cases.append(case)
    return cases


def feuille_en_tableau(
    classeur: Workbook,
    nom: str,
    colonnes: Sequence[tuple[str, float]],
    lignes: Sequence[Sequence],
    *,
    gele: str = "A2",
    en_texte: Sequence[int] = (),
):
    """Une feuille en tableau : en-tête figé, filtres, largeurs, mise en page à l'impression.

    ``en_texte`` : rangs des colonnes où ce que l'usager écrira reste tel qu'il l'écrit.
    """
    feuille = _feuille(classeur, nom, [largeur for _, largeur in colonnes])
    for rang in en_texte:
        feuille.column_dimensions[get_column_letter(rang + 1)].number_format = "@"
    feuille.freeze_panes = gele
    feuille.auto_filter.ref = f"A1:{get_column_letter(len(colonnes))}{len(lignes) + 1}"
    feuille.page_setup.orientation, feuille.page_setup.paperSize = "landscape", 9
    feuille.page_setup.fitToWidth, feuille.page_setup.fitToHeight = 1, 0
    feuille.sheet_properties.pageSetUpPr.fitToPage = True
    feuille.print_title_rows = "1:1"
    feuille.oddFooter.left.text, feuille.oddFooter.right.text = "&A", "&P / &N"
    feuille.append(_entete(feuille, [mot for mot, _ in colonnes]))
    for ligne in lignes:
        cases = [_case(feuille, *(c if isinstance(c, CaseDeSynthese) else (c,))) for c in ligne]
        for rang in en_texte:
            cases[rang].number_format = "@"
        feuille.append(cases)
    return feuille


def _feuille_de_mesures(classeur: Workbook, theme: str, mesures: list[dict]) -> None:
    places = dictionnaire()["decimales"].to_dict()
    lignes = []
    for mesure in mesures:
        chiffres = int(places.get(mesure["indicateur"], decimales_de(mesure["unite"])))
        ici = mesure["role"] == "territoire"
        ligne: list[CaseDeSynthese | None] = []
        for colonne, _, _ in COLONNES:
            brut = mesure.get(colonne, "")
            if brut == "":
                ligne.append(None)
            elif colonne in NOMBRES:
                nombre = float(brut)
                voulues = {"annee": None, "numerateur": 0, "denominateur": 0}.get(colonne, chiffres)
                nombre = int(nombre) if nombre.is_integer() else nombre
                ligne.append(CaseDeSynthese(nombre, voulues, ici and colonne == "valeur", mesure["unite"]))
            else:
                mot = _ROLES.get(brut, brut) if colonne == "role" else brut
                ligne.append(CaseDeSynthese(mot, gras=ici and colonne == "nom"))
        lignes.append(ligne)
    feuille_en_tableau(classeur, theme, [(mot, largeur) for _, mot, largeur in COLONNES], lignes, gele="B2")


def _lisez_moi(
    classeur: Workbook, *, titre: str, situation: str, maille: str, feuilles: list[str], nombre: int
) -> None:
    feuille = _feuille(classeur, "Lisez-moi", [100])
    feuille.sheet_view.showGridLines = False
    feuille.page_setup.orientation, feuille.page_setup.paperSize = "landscape", 9
    feuille.page_setup.fitToWidth, feuille.page_setup.fitToHeight = 1, 0
    feuille.sheet_properties.pageSetUpPr.fitToPage = True
    tete = _case(feuille, titre)
    tete.font = Font(bold=True, size=18, color=TERRITOIRE[1:])
    phrases = [
        maille,
        situation,
        "",
        f"La feuille « {TITRE} » met côte à côte le territoire et ses références ; un graphique par thème, dessous.",
        f"Les {nombre} mesures du diagnostic, une par ligne : {', '.join(feuilles)}.",
        "Chaque mesure porte sa source, son millésime, sa maille et son statut (feuille « Statuts »).",
        "Une case vide est un manquant, jamais un zéro : la colonne « Motif » dit pourquoi.",
        "« Bas » et « Haut » bornent la valeur quand elle est estimée ou tirée de nombres arrondis.",
        "Un taux agrégé est un rapport de sommes : ne faites pas la moyenne des taux d'une colonne.",
        "Les codes sont des textes : « 01001 » garde son zéro.",
        "La feuille « Dictionnaire » donne la formule et les limites de chaque indicateur ; « Sources », les "
        "producteurs.",
        "",
        "Données publiques sous Licence Ouverte 2.0 : citez le producteur et le millésime.",
    ]
    feuille.append([tete])
    for phrase in phrases:
        case = _case(feuille, phrase or None)
        case.alignment = Alignment(wrap_text=True, vertical="top")
        feuille.append([case])


def _dictionnaire(classeur: Workbook, employes: set[str]) -> None:
    table = dictionnaire()
    table = table[table.index.isin(employes)]
    champs = (
        ("Code", 24, None), ("Libellé", 50, "libelle"), ("Thème", 24, "theme"), ("Unité", 28, "unite"),
        ("Formule", 60, "formule"), ("Règle d'agrégation", 12, "regle"), ("Source", 50, "source"),
        ("Millésime", 24, "millesime"), ("Limites", 80, "limites"), ("Repères", 50, "reperes"),
    )  # fmt: skip
    lignes = [
        [str(code) if champ is None else (str(ligne[champ]) or None) for _, _, champ in champs]
        for code, ligne in table.iterrows()
    ]
    feuille_en_tableau(classeur, "Dictionnaire", [(mot, largeur) for mot, largeur, _ in champs], lignes)


def _sources(classeur: Workbook, lignes: list[dict]) -> None:
    dites: dict[tuple[str, str], set[str]] = {}
    for ligne in lignes:
        if ligne["source"] and STATUTS[ligne["statut"]].chiffre:
            dites.setdefault((ligne["source"], ligne["millesime"]), set()).add(ligne["indicateur"])
    rendues = [[s, m or None, ", ".join(sorted(codes))] for (s, m), codes in sorted(dites.items())]
    feuille_en_tableau(classeur, "Sources", [("Source", 70), ("Millésime", 30), ("Indicateurs", 90)], rendues)


def _statuts(classeur: Workbook) -> None:
    lignes = [
        [cle, s.libelle, s.symbole or None, s.explication, "oui" if s.chiffre else "non"]
        for cle, s in STATUTS.items()
    ]
    feuille_en_tableau(
        classeur,
        "Statuts",
        [("Statut", 18), ("Libellé", 22), ("Signe", 8), ("Explication", 70), ("Porte un chiffre", 16)],
        lignes,
    )
