"""Les styles Word du rapport : ceux que l'on retrouve dans le volet Styles, en français."""

from __future__ import annotations

from docx.document import Document as Docx
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from cafdiag.restitution.couleurs import ENCRE, ENCRE_2, FOND_DOUX, TERRITOIRE

POLICE = "Arial"
LANGUE = "fr-FR"
_FILET = "D5DBE1"


def couleur(hexadecimal: str) -> RGBColor:
    """Une couleur de la maison, pour Word."""
    return RGBColor.from_string(hexadecimal.removeprefix("#").upper())


def preparer(docx: Docx) -> None:
    """Page A4, langue, polices et styles d'un document vide."""
    page = docx.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(1.9)
    page.top_margin, page.bottom_margin = Cm(1.8), Cm(1.9)
    styles = docx.styles
    _langue(docx)
    normal = styles["Normal"]
    _police(normal, taille=10)
    normal.font.color.rgb = couleur(ENCRE)
    _espaces(normal, avant=0, apres=6, interligne=1.12)
    for niveau, (taille, avant, apres) in enumerate(
        ((16, 22, 8), (12.5, 14, 6), (10.5, 10, 4), (10, 8, 3)), 1
    ):
        titre = styles[f"Heading {niveau}"]
        _police(titre, taille=taille, gras=True)
        titre.font.color.rgb, titre.font.italic = couleur(ENCRE), False
        _espaces(titre, avant=avant, apres=apres)
        titre.paragraph_format.keep_with_next = True
    _bordure(styles["Heading 1"], haut=("single", 12, ENCRE))
    _police(styles["Title"], taille=25, gras=True)
    styles["Title"].font.color.rgb = couleur(ENCRE)
    _espaces(styles["Title"], avant=4, apres=4)
    # Le modèle de python-docx souligne le titre d'un filet bleu.
    _bordure(styles["Title"])
    legende = styles["Caption"]
    _police(legende, taille=10, gras=True)
    legende.font.color.rgb = couleur(ENCRE)
    _espaces(legende, avant=10, apres=4)
    legende.paragraph_format.keep_with_next = True
    for nom in ("List Bullet", "List Number"):
        _espaces(styles[nom], avant=0, apres=3, interligne=1.08)
    puces = _nouveau(docx, "Puces de note", taille=8.5, encre=ENCRE_2, avant=0, apres=2)
    puces.base_style = styles["List Bullet"]
    _nouveau(docx, "Source", taille=8, encre=ENCRE_2, avant=2, apres=4)
    _nouveau(docx, "Note", taille=9, encre=ENCRE_2, avant=0, apres=3)
    _nouveau(docx, "Sommaire", taille=9.5, avant=0, apres=2)
    _nouveau(docx, "Case", taille=8.5, avant=1.5, apres=1.5)
    _nouveau(docx, "Chiffre", taille=16, encre=TERRITOIRE, gras=True, avant=2, apres=2)
    situation = _nouveau(docx, "Situation", taille=10, gras=True, avant=6, apres=10)
    _bordure(situation, gauche=("single", 18, TERRITOIRE), ecart=8)
    alerte = _nouveau(docx, "Avertissement", taille=9.5, avant=4, apres=6)
    _bordure(alerte, gauche=("single", 18, "#d98a00"), ecart=8)
    _fond(alerte, "FDF6E9")
    bref = _nouveau(docx, "En bref", taille=10, avant=0, apres=4)
    _fond(bref, FOND_DOUX)
    parole = _nouveau(docx, "Parole des acteurs", taille=9.5, encre=ENCRE_2, avant=0, apres=0)
    parole.paragraph_format.keep_with_next = True
    parole.paragraph_format.left_indent = parole.paragraph_format.right_indent = Cm(0.3)
    cadre = ("dashed", 8, "#7d8993")
    _bordure(parole, haut=cadre, bas=cadre, gauche=cadre, droite=cadre, ecart=6)
    _tableau(docx)


def _langue(docx: Docx) -> None:
    defauts = docx.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    langue = defauts.find(qn("w:lang"))
    if langue is None:
        langue = OxmlElement("w:lang")
        defauts.append(langue)
    for attribut in ("w:val", "w:eastAsia", "w:bidi"):
        langue.set(qn(attribut), LANGUE)
    theme = docx.settings.element.find(qn("w:themeFontLang"))
    if theme is not None:
        theme.set(qn("w:val"), LANGUE)


def _police(style, *, taille: float, gras: bool = False) -> None:
    style.font.name, style.font.size, style.font.bold = POLICE, Pt(taille), gras
    polices = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribut in list(polices.attrib):
        # Une police de thème l'emporterait sur le nom.
        if attribut.endswith("Theme"):
            del polices.attrib[attribut]
    for attribut in ("w:hAnsi", "w:cs", "w:eastAsia"):
        polices.set(qn(attribut), POLICE)


def _espaces(style, *, avant: float, apres: float, interligne: float | None = None) -> None:
    mise = style.paragraph_format
    mise.space_before, mise.space_after = Pt(avant), Pt(apres)
    mise.line_spacing = interligne or 1.0
    mise.widow_control = True


def _nouveau(
    docx: Docx, nom: str, *, taille: float, avant: float, apres: float, encre: str = ENCRE, gras=False
):
    style = docx.styles.add_style(nom, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = docx.styles["Normal"]
    style.quick_style = True
    _police(style, taille=taille, gras=gras)
    style.font.color.rgb = couleur(encre)
    _espaces(style, avant=avant, apres=apres, interligne=1.08)
    return style


def _bordure(style, *, ecart: int = 4, **cotes: tuple[str, int, str]) -> None:
    """Bordures d'un style ; sans côté donné, les ôte."""
    mise = style.element.get_or_add_pPr()
    ancienne = mise.find(qn("w:pBdr"))
    if ancienne is not None:
        mise.remove(ancienne)
    noms = {"haut": "top", "gauche": "left", "bas": "bottom", "droite": "right"}
    traits = "".join(
        f'<w:{noms[cote]} w:val="{cotes[cote][0]}" w:sz="{cotes[cote][1]}" w:space="{ecart}" '
        f'w:color="{cotes[cote][2].removeprefix("#")}"/>'
        for cote in noms
        if cote in cotes
    )
    if traits:
        mise.insert_element_before(
            parse_xml(f"<w:pBdr {nsdecls('w')}>{traits}</w:pBdr>"),
            *("w:shd", "w:tabs", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:outlineLvl"),
        )


def _fond(style, hexadecimal: str) -> None:
    style.element.get_or_add_pPr().insert_element_before(
        parse_xml(
            f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="{hexadecimal.removeprefix("#")}"/>'
        ),
        *("w:tabs", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:outlineLvl"),
    )


def _tableau(docx: Docx) -> None:
    """Le style « Tableau » : filets fins, en-tête souligné."""
    docx.styles.element.append(
        parse_xml(
            f'<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="Tableau">'
            '<w:name w:val="Tableau"/><w:basedOn w:val="TableNormal"/><w:uiPriority w:val="99"/><w:qFormat/>'
            f'<w:tblPr><w:tblBorders><w:bottom w:val="single" w:sz="4" w:color="{_FILET}"/>'
            f'<w:insideH w:val="single" w:sz="4" w:color="{_FILET}"/></w:tblBorders>'
            '<w:tblCellMar><w:left w:w="80" w:type="dxa"/><w:right w:w="80" w:type="dxa"/></w:tblCellMar></w:tblPr>'
            '<w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr><w:tcPr><w:tcBorders>'
            f'<w:bottom w:val="single" w:sz="10" w:color="{ENCRE[1:]}"/></w:tcBorders></w:tcPr>'
            "</w:tblStylePr></w:style>"
        )
    )
