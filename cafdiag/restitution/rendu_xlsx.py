"""Le tableur du diagnostic : une synthèse, une feuille par thème, le dictionnaire, les sources, les statuts.

Les valeurs sont celles de ``mesures-<code>.csv``, de la même table. Un texte n'y devient
jamais une formule ; un code reste un texte ; un manquant laisse une case vide.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.chart import BarChart, Reference
from openpyxl.chart.data_source import StrRef
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.series import SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.drawing.line import LineProperties
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from cafdiag.indicateurs import THEMES, dictionnaire
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.indicateurs.dates import dates
from cafdiag.indicateurs.dictionnaire import effectifs
from cafdiag.restitution.archives import sans_dates
from cafdiag.restitution.couleurs import ENCRE, FOND_DOUX, REFERENCES, TERRITOIRE
from cafdiag.restitution.echappement import sans_controle
from cafdiag.restitution.formats import STATUTS, date_de, decimales_de, enumeration
from cafdiag.restitution.formats import nombre as ecrire_nombre
from cafdiag.restitution.jointes import enregistrements

if TYPE_CHECKING:
    import pandas as pd

NOMBRES = ("annee", "valeur", "numerateur", "denominateur", "bas", "haut")
# Colonne du CSV, intitulé, largeur : ce qu'on lit d'abord vient d'abord, et s'imprime ; le reste est pour le calcul.
COLONNES = (
    ("nom", "Territoire", 26),
    ("role", "Rôle", 14),
    ("libelle", "Indicateur", 44),
    ("valeur", "Valeur", 12),
    ("unite", "Unité", 22),
    ("modalite", "Modalité", 14),
    ("bas", "Bas", 11),
    ("haut", "Haut", 11),
    ("statut", "Statut", 15),
    ("millesime", "Millésime", 24),
    ("motif", "Motif", 44),
    ("annee", "Année", 8),
    ("territoire", "Code", 12),
    ("maille", "Maille", 13),
    ("indicateur", "Code de l'indicateur", 24),
    ("numerateur", "Numérateur", 13),
    ("denominateur", "Dénominateur", 14),
    ("maille_source", "Maille de la source", 18),
    ("source", "Source", 52),
)
IMPRIMEES = [colonne for colonne, _, _ in COLONNES].index("motif") + 1
_ROLES = {
    "territoire": "territoire",
    "departement": "département",
    "region": "région",
    "france": "France",
    "epci_alentour": "EPCI alentour",
    "carte": "commune (carte)",
    "serie": "autre année",
    "groupe": "EPCI du groupe",
    "note": "commune",
    "besoin": "sans place",
    "simulation": "simulation",
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


def rendre_xlsx(mesures: pd.DataFrame, *, titre: str, situation: str = "", maille: str = "") -> bytes:
    """Le classeur d'un diagnostic ; mêmes entrées, mêmes octets.

    Parameters
    ----------
    mesures : DataFrame
        Celles jointes au rapport.
    titre, situation, maille : str
        Ce que dit la garde du rapport.
    """
    lignes = enregistrements(mesures)
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


def _police(encre: str, corps: int = 11) -> Font:
    """Du gras ; sans nom ni corps, chaque tableur choisirait les siens."""
    return Font(name="Calibri", size=corps, bold=True, color=encre[1:])


def _lignes(texte: str, largeur: float) -> int:
    """Combien de lignes prend un texte dans une colonne de cette largeur, en caractères.

    >>> _lignes("Taux de pauvreté", 50), _lignes("un texte de vingt-six lettres", 15)
    (1, 3)
    """
    # Un code ne se coupe pas : il déborde ou se tait.
    longues = (len(li) if " " in li else 1 for li in texte.split("\n"))
    # Couper entre les mots perd un peu de chaque ligne.
    return sum(1 if n <= largeur else math.ceil(1.08 * n / largeur) for n in longues)


def _hauteur(feuille: Any, rang: int, cases: Sequence[Any], largeurs: Sequence[float], *, corps: int = 11) -> None:
    """La hauteur d'une ligne, dite avant de l'écrire : tous les tableurs ne la recalculent pas en ouvrant."""
    mots = zip(cases, largeurs, strict=False)
    lignes = max((_lignes(c.value, w) for c, w in mots if c is not None and isinstance(c.value, str)), default=1)
    feuille.row_dimensions[rang].height = min(409, lignes * corps * 1.36)


def _case(
    feuille: Any,
    valeur: Any,
    decimales: int | None = None,
    gras: bool = False,
    unite: str = "",
    *,
    largeur: float = 40,
    retrait: bool = False,
) -> WriteOnlyCell:
    case = WriteOnlyCell(feuille, value=texte_inerte(valeur) if isinstance(valeur, str) else valeur)
    if isinstance(valeur, str):
        # openpyxl prend « =… » pour une formule, même quand on lui donne un texte.
        case.data_type = "s"
        # Collé au nombre qui le précède, un mot s'y lirait attaché.
        sens = "left" if retrait else None
        coupe = _lignes(valeur, largeur) > 1
        case.alignment = Alignment(horizontal=sens, vertical="top", indent=1 if retrait else 0, wrap_text=coupe)
    elif valeur is not None:
        case.alignment = Alignment(vertical="top")
        case.number_format = _format(valeur, decimales, unite)
    if gras:
        case.font = _police(TERRITOIRE)
    return case


def _entete(feuille: Any, mots: Iterable[str], de_nombres: Collection[int] = ()) -> list[WriteOnlyCell]:
    cases = []
    for rang, mot in enumerate(mots):
        case = WriteOnlyCell(feuille, value=mot)
        case.font = _police(ENCRE)
        case.fill = PatternFill("solid", fgColor=FOND_DOUX[1:])
        case.border = Border(bottom=Side("medium", color=ENCRE[1:]))
        sens, retrait = ("right", 0) if rang in de_nombres else ("left", 1 if rang else 0)
        case.alignment = Alignment(vertical="center", horizontal=sens, indent=retrait, wrap_text=True)
        cases.append(case)
    return cases


def clore(classeur: Workbook, titre: str) -> bytes:
    """Les octets d'un classeur que l'usager remplira : scellé, celui qu'il a touché se reconnaît et ne s'écrase pas."""
    proprietes = classeur.properties
    proprietes.title, proprietes.creator, proprietes.language = titre, "cafdiag", "fr-FR"
    tampon = io.BytesIO()
    classeur.save(tampon)
    return sans_dates(tampon.getvalue(), sceller=True)


def feuille_en_tableau(
    classeur: Workbook,
    nom: str,
    colonnes: Sequence[tuple[str, float]],
    lignes: Sequence[Sequence],
    *,
    gele: str = "A2",
    en_texte: Sequence[int] = (),
    a_remplir: bool = False,
):
    """Une feuille en tableau : en-tête figé, filtres, largeurs, mise en page à l'impression.

    ``en_texte`` : rangs des colonnes où ce que l'usager écrira reste tel qu'il l'écrit ; ``a_remplir`` :
    il y écrit, et la hauteur d'une ligne suit ce qu'il écrit.
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
    largeurs = [largeur for _, largeur in colonnes]
    dites = [[c if isinstance(c, CaseDeSynthese) else CaseDeSynthese(c) for c in ligne] for ligne in lignes]
    nombres = {r for ligne in dites for r, c in enumerate(ligne) if isinstance(c.contenu, int | float)}
    entete = _entete(feuille, [mot for mot, _ in colonnes], nombres)
    _hauteur(feuille, 1, entete, largeurs)
    feuille.append(entete)
    for numero, ligne in enumerate(dites, 2):
        places = enumerate(zip(ligne, largeurs, strict=True))
        cases = [_case(feuille, *c, largeur=w, retrait=rang > 0) for rang, (c, w) in places]
        for rang in en_texte:
            cases[rang].number_format = "@"
        if not a_remplir:
            _hauteur(feuille, numero, cases, largeurs)
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
            brut = mesure.get(colonne)
            if brut is None:
                ligne.append(None)
            elif colonne in NOMBRES:
                nombre = float(brut)
                voulues = {"annee": None, "numerateur": 0, "denominateur": 0}.get(colonne, chiffres)
                nombre = int(nombre) if nombre.is_integer() else nombre
                ligne.append(CaseDeSynthese(nombre, voulues, ici and colonne == "valeur", mesure["unite"]))
            else:
                mot = _ROLES.get(brut, brut) if colonne == "role" else str(brut)
                mot = STATUTS[mot].libelle if colonne == "statut" else mot
                ligne.append(CaseDeSynthese(mot, gras=ici and colonne == "nom"))
        lignes.append(ligne)
    feuille = feuille_en_tableau(classeur, theme, [(mot, largeur) for _, mot, largeur in COLONNES], lignes, gele="B2")
    # Dix-neuf colonnes sur une page ne se liraient pas.
    feuille.print_area = f"A1:{get_column_letter(IMPRIMEES)}{len(lignes) + 1}"


def _lisez_moi(
    classeur: Workbook, *, titre: str, situation: str, maille: str, feuilles: list[str], nombre: int
) -> None:
    feuille = _feuille(classeur, "Lisez-moi", [100])
    feuille.sheet_view.showGridLines = False
    feuille.page_setup.orientation, feuille.page_setup.paperSize = "landscape", 9
    feuille.page_setup.fitToWidth, feuille.page_setup.fitToHeight = 1, 0
    feuille.sheet_properties.pageSetUpPr.fitToPage = True
    tete = _case(feuille, titre)
    tete.font = _police(TERRITOIRE, 18)
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
    _hauteur(feuille, 1, [tete], [60], corps=18)
    feuille.append([tete])
    for rang, phrase in enumerate(phrases, 2):
        case = _case(feuille, phrase or None, largeur=100)
        _hauteur(feuille, rang, [case], [100])
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
            dites.setdefault((ligne["source"], ligne["millesime"] or ""), set()).add(ligne["indicateur"])
    rendues = [[s, m or None, ", ".join(sorted(codes))] for (s, m), codes in sorted(dites.items())]
    feuille_en_tableau(classeur, "Sources", [("Source", 70), ("Millésime", 30), ("Indicateurs", 90)], rendues)


def _statuts(classeur: Workbook) -> None:
    lignes = [
        [s.libelle, s.symbole or None, s.explication, "oui" if s.chiffre else "non"] for s in STATUTS.values()
    ]
    feuille_en_tableau(
        classeur,
        "Statuts",
        [("Statut", 22), ("Signe", 8), ("Explication", 70), ("Porte un chiffre", 16)],
        lignes,
    )


TITRE = "Synthèse"
ROLES = ("territoire", "departement", "region", "france")
_COULEURS = {"territoire": TERRITOIRE, **REFERENCES}
# Au-delà, les noms d'un graphique ne se lisent plus.
_AU_PLUS = 8
_DEBUT = 2
# Une ligne de tableur, en centimètres.
_HAUTEUR = 0.53
# À l'échelle où la synthèse tient en une page de large.
_LIGNES_D_UNE_PAGE = 56


class CaseDeSynthese(NamedTuple):
    """Une valeur et son allure dans une feuille."""

    contenu: Any
    decimales: int | None = None
    gras: bool = False
    unite: str = ""


class Synthese:
    """La feuille de synthèse : ses colonnes, ses lignes, ses graphiques ; vide si rien n'est mesuré ici.

    Parameters
    ----------
    lignes : list of dict
        Les mesures jointes au rapport.
    """

    def __init__(self, lignes: list[dict[str, Any]]) -> None:
        self._mesures = _par_role(lignes)
        self._roles = [r for r in ROLES if self._mesures[r]]
        ici = self._mesures["territoire"]
        self._rangs = _ranger([code for code, ligne in ici.items() if _parle(ligne)], self._mesures)
        self._noms = {r: next(iter(self._mesures[r].values()))["nom"] or r for r in self._roles}
        lieux = [(self._noms[r], 16) for r in self._roles]
        self.colonnes = [
            ("Indicateur", 50),
            *lieux,
            ("Unité", 24),
            ("Date", 30),
            ("À savoir", 46),
            ("Thème", 24),
        ]
        self.lignes = [self._ligne(code) for code in self._rangs]

    def _ligne(self, code: str) -> list[Any]:
        ici, places = self._mesures["territoire"][code], int(dictionnaire().at[code, "decimales"])
        nombres = {r: _nombre(self._mesures[r].get(code, {})) for r in self._roles}
        valeurs = [
            None if n is None else CaseDeSynthese(n, places, r == "territoire", ici["unite"])
            for r, n in nombres.items()
        ]
        theme = THEMES[dictionnaire().at[code, "theme"]]
        return [
            ici["libelle"],
            *valeurs,
            ici["unite"],
            date_de(_mesure(ici)),
            self._precisions(code) or None,
            theme,
        ]

    def _precisions(self, code: str) -> str:
        """Ce que les cases ne disent pas : statut, bornes d'un minorant, autre date que celle du territoire."""
        ici = self._mesures["territoire"][code]
        dites: dict[str, list[str]] = {}
        for role in self._roles:
            ligne = self._mesures[role].get(code)
            if ligne is None:
                continue
            statut, bornes = STATUTS[ligne["statut"]], _bornes(ligne)
            mots = [bornes or (statut.libelle if statut.symbole else "")]
            if statut.chiffre and dates(_mesure(ligne)) != dates(_mesure(ici)):
                mots.append(date_de(_mesure(ligne)))
            if mots := [m for m in mots if m]:
                dites.setdefault(", ".join(mots), []).append(self._noms[role])
        return " ; ".join(
            f"{mots}{' partout' if len(noms) == len(self._roles) else f' : {enumeration(noms)}'}"
            for mots, noms in dites.items()
        )

    def dessiner(self, feuille: Any) -> None:
        """Un graphique par thème, sous le tableau, deux de front."""
        table, ici = dictionnaire(), self._mesures["territoire"]
        haut, pris, gauche, page = len(self.lignes) + 4, 0, True, 0
        feuille.row_breaks.append(Break(id=haut - 2))
        for theme, nom in THEMES.items():
            siens = [c for c in self._rangs if table.at[c, "theme"] == theme and c not in effectifs()]
            unite = ici[siens[0]]["unite"] if siens else ""
            montres = [c for c in siens if ici[c]["unite"] == unite][:_AU_PLUS]
            if all(_nombre(ici[c]) is None for c in montres):
                continue
            graphique = _barres(feuille, self._rangs.index(montres[0]) + _DEBUT, len(montres), self._roles)
            graphique.title = f"{nom}, en {unite}"
            graphique.height, graphique.width = 4 + 0.45 * len(self._roles) * len(montres), 17
            feuille.add_chart(graphique, f"{'A' if gauche else 'E'}{haut}")
            pris = max(pris, math.ceil(graphique.height / _HAUTEUR) + 2)
            if gauche and page + pris > _LIGNES_D_UNE_PAGE:
                # Un graphique ne se coupe pas en deux à l'impression.
                feuille.row_breaks.append(Break(id=haut - 1))
                page = 0
            if not gauche:
                haut, page, pris = haut + pris, page + pris, 0
            gauche = not gauche


def _par_role(lignes: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    connus = set(dictionnaire().index)
    rendu: dict[str, dict[str, dict[str, Any]]] = {r: {} for r in ROLES}
    for ligne in lignes:
        if ligne["role"] in rendu and ligne["indicateur"] in connus:
            rendu[ligne["role"]].setdefault(ligne["indicateur"], ligne)
    return rendu


def _nombre(ligne: dict[str, Any]) -> float | int | None:
    """La valeur d'une mesure qui en porte une ; un minorant n'en a pas."""
    if not ligne or ligne["valeur"] is None or not STATUTS[ligne["statut"]].chiffre:
        return None
    valeur = float(ligne["valeur"])
    return int(valeur) if valeur.is_integer() else valeur


def _mesure(ligne: dict[str, Any]) -> dict[str, Any]:
    """La mesure, un nombre manquant en ``nan``."""
    nombres = {c: math.nan if ligne[c] is None else float(ligne[c]) for c in ("annee", "valeur", "bas", "haut")}
    return ligne | nombres


def _bornes(ligne: dict[str, Any]) -> str:
    return dire_bornes(
        _mesure(ligne), decimales_de(ligne["unite"]), unite="%" if ligne["unite"] == "%" else ""
    )


def _parle(ligne: dict[str, Any]) -> bool:
    return _nombre(ligne) is not None or bool(_bornes(ligne))


def _ranger(codes: list[str], par_role: dict) -> list[str]:
    """Par thème, puis par unité : la plus fréquente d'abord, pour qu'un graphique prenne des lignes qui se suivent."""
    table, somme = dictionnaire(), effectifs()
    ordre = list(THEMES)
    cles = {
        c: (table.at[c, "theme"], "" if c in somme else par_role["territoire"][c]["unite"]) for c in codes
    }
    frequences = Counter(c for c in cles.values() if c[1])
    # Les effectifs à la fin : ils suivent la taille du lieu, et ne se comparent pas.
    return sorted(
        codes, key=lambda c: (ordre.index(cles[c][0]), not cles[c][1], -frequences[cles[c]], cles[c][1])
    )


def _barres(feuille: Any, debut: int, nombre: int, roles: list[str]) -> BarChart:
    graphique = BarChart()
    graphique.type, graphique.grouping, graphique.gapWidth = "bar", "clustered", 60
    fin = debut + nombre - 1
    for rang, role in enumerate(roles, 2):
        donnees = Reference(feuille, min_col=rang, min_row=debut, max_row=fin)
        graphique.add_data(donnees, titles_from_data=False)
        serie = graphique.series[-1]
        # Le nom d'une série est l'en-tête de sa colonne.
        serie.tx = SeriesLabel(strRef=StrRef(f"'{feuille.title}'!${get_column_letter(rang)}$1"))
        serie.graphicalProperties.solidFill = _COULEURS[role][1:].upper()
        serie.invertIfNegative = False
    graphique.series[0].dLbls = DataLabelList(
        showVal=True, showSerName=False, showCatName=False, showLegendKey=False
    )
    graphique.set_categories(Reference(feuille, min_col=1, min_row=debut, max_row=fin))
    # Le premier indicateur du tableau en haut du graphique.
    graphique.x_axis.scaling.orientation = "maxMin"
    graphique.x_axis.delete = graphique.y_axis.delete = False
    graphique.x_axis.tickLblPos = "low"
    graphique.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="D5DBE1"))
    graphique.legend.position = "b"
    return graphique
