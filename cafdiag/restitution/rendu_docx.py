"""Le rapport en docx, à reprendre : styles Word, sommaire, tableaux vrais, places pour la parole des acteurs."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import replace
from functools import singledispatchmethod
from typing import Any

import docx
from docx.document import Document as Docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Emu, Pt, RGBColor

from cafdiag.restitution import document as modele
from cafdiag.restitution.archives import sans_dates
from cafdiag.restitution.couleurs import ENCRE, ENCRE_2, FOND_DOUX, TERRITOIRE
from cafdiag.restitution.document import Document, en_clair
from cafdiag.restitution.echappement import html_sur, sans_controle
from cafdiag.restitution.formats import minuscule
from cafdiag.restitution.images import png
from cafdiag.restitution.impression import a_imprimer, parts_des_colonnes

LARGEUR_CM = 17.2
# Un tableau plus court que cela ne se coupe pas d'une page à l'autre.
LIGNES_INSECABLES = 14
_LARGEURS = {"carte": 17.0, "graphique": 11.0}
A_REMPLIR = "Cliquez ici pour écrire."


def rendre_docx(document: Document, *, chapitres_a_la_page: bool = False) -> bytes:
    """Le document en docx ; mêmes entrées, mêmes octets, et l'empreinte qui dira s'il a été retouché.

    ``chapitres_a_la_page`` : chaque chapitre après le premier commence une page, pour qu'il se remette seul.
    """
    rendu = _RedacteurDocx(replace(document, elements=a_imprimer(document.elements)))
    if chapitres_a_la_page:
        chapitres = [p for p in rendu.docx.paragraphs if p.style is not None and p.style.name == "Heading 1"]
        for p in chapitres[1:]:
            p.paragraph_format.page_break_before = True
    tampon = io.BytesIO()
    rendu.docx.save(tampon)
    return sans_dates(tampon.getvalue(), sceller=True)


class _RedacteurDocx:
    def __init__(self, document: Document) -> None:
        self.docx = docx.Document()
        self.signets = 0
        self.images = 0
        self.style_force: str | None = None
        # Vrai si le bloc est suivi de sa source : un tableau ne passe pas la page sans elle.
        self.annotee = False
        preparer(self.docx)
        self.style_de_case = self.docx.styles["Case"].style_id
        proprietes = self.docx.core_properties
        proprietes.title = sans_controle(f"{document.titre} – {document.sous_titre}")
        proprietes.subject = sans_controle(document.situation)[:255]
        proprietes.author, proprietes.language, proprietes.comments = "", LANGUE, ""
        self._garde(document)
        self.blocs(document.elements)
        self._pied(document.titre)

    # --- La page de garde ---

    def _garde(self, document: Document) -> None:
        self._paragraphe(document.sous_titre, "Normal", couleur_=ENCRE_2, taille=11)
        self._paragraphe(document.titre, "Title")
        if document.maille:
            self._paragraphe(document.maille, "Normal", couleur_=ENCRE_2)
        if document.situation:
            self._paragraphe(document.situation, "Situation")
        for avertissement in document.avertissements:
            self._paragraphe(avertissement, "Avertissement")
        if not document.sommaire:
            return
        chapitres = [
            b
            for bloc in document.elements
            for b in (bloc.elements if isinstance(bloc, modele.Encadre) else (bloc,))
            if isinstance(b, modele.Titre) and b.niveau == 1
        ]
        self._sommaire([en_clair(c.bouts) for c in chapitres])

    def _sommaire(self, chapitres: list[str]) -> None:
        """Un champ de table des matières ; en attendant sa mise à jour, la liste des chapitres."""
        tete = self._paragraphe("Sommaire", "Normal", gras=True, taille=11)
        tete.paragraph_format.keep_with_next = True
        for rang, chapitre in enumerate(chapitres):
            p = self.docx.add_paragraph(style="Sommaire")
            if rang == 0:
                _champ_ouvert(p, r'TOC \o "1-1" \h \z \u', a_jour=False)
            lien = parse_xml(
                f'<w:hyperlink {nsdecls("w")} w:anchor="_Toc{rang + 1:04d}" w:history="1"><w:r><w:t '
                f'xml:space="preserve">{html_sur(sans_controle(chapitre))}</w:t></w:r></w:hyperlink>'
            )
            p._p.append(lien)
            if rang == len(chapitres) - 1:
                _champ_ferme(p)
        mise_a_jour = OxmlElement("w:updateFields")
        mise_a_jour.set(qn("w:val"), "true")
        self.docx.settings.element.insert_element_before(
            mise_a_jour, "w:hdrShapeDefaults", "w:footnotePr", "w:endnotePr", "w:compat"
        )

    def _pied(self, titre: str) -> None:
        p = self.docx.sections[0].footer.paragraphs[0]
        p.style = self.docx.styles["Source"]
        p.paragraph_format.tab_stops.clear_all()
        p.paragraph_format.tab_stops.add_tab_stop(Cm(LARGEUR_CM), alignment=2)
        p.add_run(f"{sans_controle(titre)}\t")
        for rang, champ in enumerate(("PAGE", "NUMPAGES")):
            if rang:
                p.add_run("\u00a0/\u00a0")
            _champ_ouvert(p, champ, a_jour=True)
            p.add_run("1")
            _champ_ferme(p)

    # --- Les blocs ---

    def blocs(self, blocs: modele.Suite) -> None:
        for rang, bloc in enumerate(blocs):
            suivant = blocs[rang + 1] if rang + 1 < len(blocs) else None
            self.annotee = getattr(suivant, "allure", "") == "source"
            self.bloc(bloc)

    @singledispatchmethod
    def bloc(self, bloc: Any) -> None:
        raise TypeError(type(bloc).__name__)

    @bloc.register
    def _(self, bloc: modele.Titre) -> None:
        p = self.docx.add_heading(level=bloc.niveau)
        self._bouts(p, bloc.bouts)
        if bloc.niveau == 1:
            self.signets += 1
            nom = f'w:id="{self.signets}" w:name="_Toc{self.signets:04d}"'
            p._p.insert(1, parse_xml(f"<w:bookmarkStart {nsdecls('w')} {nom}/>"))
            p._p.append(parse_xml(f'<w:bookmarkEnd {nsdecls("w")} w:id="{self.signets}"/>'))
        if self.style_force == "En bref":
            _ombrer(p)

    @bloc.register
    def _(self, bloc: modele.Paragraphe) -> None:
        style = {"source": "Source", "note": "Note", "avertissement": "Avertissement"}.get(
            bloc.allure, self.style_force or "Normal"
        )
        p = self.docx.add_paragraph(style=style)
        p.paragraph_format.keep_with_next = True if bloc.allure == "intitule" else None
        self._bouts(p, bloc.bouts)

    @bloc.register
    def _(self, bloc: modele.Liste) -> None:
        numero = self._numerotation() if bloc.ordonnee else None
        petite = bloc.allure == "source" or self.style_force == "Note"
        for bouts in bloc.elements:
            puces = "Puces de note" if petite else "List Bullet"
            p = self.docx.add_paragraph(style="List Number" if bloc.ordonnee else puces)
            if numero is not None:
                _numeroter(p, numero)
            self._bouts(p, bouts)
            if self.style_force == "En bref":
                _ombrer(p)

    def _numerotation(self) -> int:
        """Une numérotation neuve, qui repart de 1."""
        style = self.docx.styles["List Number"].element
        modele_num = style.pPr.numPr.numId.val
        racine = self.docx.part.numbering_part.element
        abstrait = next(n for n in racine.num_lst if n.numId == modele_num).abstractNumId.val
        neuf = racine.add_num(abstrait)
        neuf.add_lvlOverride(ilvl=0).add_startOverride(1)
        return neuf.numId

    @bloc.register
    def _(self, bloc: modele.Encadre) -> None:
        if bloc.genre in ("parole", "completer"):
            self._parole(bloc, court=bloc.genre == "completer")
            return
        ancien, self.style_force = (
            self.style_force,
            {"bref": "En bref", "note": "Note"}.get(bloc.genre, "Avertissement"),
        )
        self.blocs(bloc.elements)
        self.style_force = ancien

    def _parole(self, bloc: modele.Encadre, *, court: bool) -> None:
        """La question posée, puis un contrôle de contenu où l'on écrit la réponse."""
        quoi = "".join(b.texte for b in getattr(bloc.elements[0], "bouts", ()) if b.gras).strip(" .")
        alias, marque, invite = ("À compléter", "completer", A_REMPLIR) if court else (
            re.sub(r"^(?:La|Le|Les) ", "", quoi).capitalize() or "Parole des acteurs",
            "parole",
            f"Cliquez ici pour écrire {minuscule(quoi)}." if quoi else A_REMPLIR,
        )
        ancien, self.style_force = self.style_force, "Parole des acteurs"
        question, deja_dit = bloc.elements[0], bloc.elements[1:-1]
        self.bloc(question)
        self.docx.paragraphs[-1].paragraph_format.space_before = Pt(8 if court else 14)
        # Ce que des familles ont déjà écrit : avant la place laissée aux autres.
        self.blocs(deja_dit)
        self.style_force = ancien
        controle = parse_xml(
            f'<w:sdt {nsdecls("w")}><w:sdtPr><w:alias w:val="{html_sur(alias)}"/><w:tag w:val="{marque}"/>'
            "<w:showingPlcHdr/></w:sdtPr><w:sdtContent><w:p><w:pPr><w:pStyle "
            'w:val="Paroledesacteurs"/><w:keepNext/></w:pPr><w:r><w:rPr><w:i/></w:rPr>'
            f"<w:t>{html_sur(invite)}</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        )
        self.docx.element.body.insert_element_before(controle, "w:sectPr")
        for _ in range(1 if court else 4):
            self._paragraphe("", "Parole des acteurs")
        # Le cadre se ferme ; il tient d'un seul tenant sur une page.
        self.docx.paragraphs[-1].paragraph_format.keep_with_next = False
        self._paragraphe("", "Note")

    @bloc.register
    def _(self, bloc: modele.Chiffres) -> None:
        par_ligne = (
            len(bloc.chiffres)
            if len(bloc.chiffres) in (1, 2, 5)
            else 3
            if len(bloc.chiffres) in (3, 6)
            else 4
        )
        lignes = -(-len(bloc.chiffres) // par_ligne)
        table = self.docx.add_table(lignes, par_ligne, style="Table Grid")
        _filets(table)
        for rang, chiffre in enumerate(bloc.chiffres):
            case = table.cell(rang // par_ligne, rang % par_ligne)
            case.paragraphs[0].style = self.docx.styles["Chiffre"]
            case.paragraphs[0].add_run(sans_controle(chiffre.valeur))
            case.add_paragraph(sans_controle(chiffre.libelle), style="Case")
            if chiffre.precision:
                case.add_paragraph(sans_controle(chiffre.precision), style="Source")
        for ligne in table.rows:
            _insecable(ligne)
        self._paragraphe("", "Source")

    @bloc.register
    def _(self, bloc: modele.Figure) -> None:
        if bloc.titre:
            self._legende(bloc.titre, bloc.precision)
        largeur = _LARGEURS.get(bloc.genre, _LARGEURS["graphique"])
        image = png(bloc.svg, largeur_cm=largeur)
        p = self.docx.add_paragraph()
        p.paragraph_format.space_after = Pt(2)
        p.paragraph_format.keep_with_next = bool(bloc.source)
        large, haut = struct.unpack(">II", image[16:24])
        dessin = p.add_run().add_picture(
            io.BytesIO(image), width=Cm(largeur), height=Emu(int(Cm(largeur) * haut / large))
        )
        self.images += 1
        proprietes = dessin._inline.docPr
        proprietes.set("id", str(1000 + self.images))
        proprietes.set("name", f"Figure {self.images}")
        proprietes.set("title", sans_controle(bloc.titre))
        proprietes.set("descr", sans_controle(bloc.alternative or bloc.titre))
        if bloc.source:
            self._paragraphe(bloc.source, "Source")

    @bloc.register
    def _(self, bloc: modele.Table) -> None:
        if bloc.titre:
            self._legende(bloc.titre, bloc.precision)
        lignes = (*bloc.entetes, *bloc.corps)
        table = self.docx.add_table(len(lignes), bloc.largeur, style="Tableau")
        table.autofit = False
        _aspect(table)
        largeurs = _largeurs(bloc)
        for colonne, largeur in zip(table.columns, largeurs, strict=True):
            colonne.width = Cm(largeur)
        occupees: set[tuple[int, int]] = set()
        # Relevées avant toute fusion : ``table.cell`` relit le tableau entier à chaque case.
        cases = [ligne.cells for ligne in table.rows]
        for rang, ligne in enumerate(lignes):
            _insecable(table.rows[rang], entete=rang < len(bloc.entetes))
            colonne = 0
            for case in ligne:
                while (rang, colonne) in occupees:
                    colonne += 1
                if colonne >= bloc.largeur:
                    break
                fin = min(colonne + case.colonnes, bloc.largeur) - 1
                bas = min(rang + case.lignes, len(lignes)) - 1
                occupees |= {(r, c) for r in range(rang, bas + 1) for c in range(colonne, fin + 1)}
                place = cases[rang][colonne]
                if fin > colonne or bas > rang:
                    place = place.merge(cases[bas][fin])
                place.width = Cm(sum(largeurs[colonne : fin + 1]))
                self._case(place, case, entete=rang < len(bloc.entetes))
                colonne = fin + 1
        if len(bloc.corps) <= LIGNES_INSECABLES:
            self._serrer(table.rows if self.annotee else table.rows[:-1])
        # Word colle deux tableaux qui se suivent : une ligne basse les sépare.
        vide = self._paragraphe("", "Source")
        vide.paragraph_format.line_spacing, vide.paragraph_format.space_after = Pt(3), Pt(0)
        vide.paragraph_format.keep_with_next = self.annotee

    def _case(self, place: Any, case: modele.Case, *, entete: bool) -> None:
        p = place.paragraphs[0]
        # Par son identifiant : ``p.style =`` relit tous les styles du document à chaque case.
        p._p.style = self.style_de_case
        if case.nombre:
            p.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self._bouts(p, case.bouts, gras=entete or case.accent, encre=TERRITOIRE if case.accent else None)

    def _serrer(self, lignes: Any) -> None:
        """Un petit tableau reste d'un seul tenant : chaque ligne tient à la suivante."""
        for ligne in lignes:
            for case in ligne.cells:
                for p in case.paragraphs:
                    p.paragraph_format.keep_with_next = True

    # --- Les textes ---

    def _legende(self, titre: str, precision: str) -> None:
        p = self.docx.add_paragraph(style="Caption")
        p.add_run(sans_controle(titre))
        if precision:
            p.add_run().add_break()
            petit = p.add_run(sans_controle(precision))
            petit.bold, petit.font.size, petit.font.color.rgb = False, Pt(8.5), couleur(ENCRE_2)

    def _paragraphe(
        self, texte: str, style: str, *, gras: bool | None = None, couleur_: str = "", taille: float = 0
    ):
        p = self.docx.add_paragraph(style=style)
        if texte:
            bout = p.add_run(sans_controle(texte))
            bout.bold = gras
            if couleur_:
                bout.font.color.rgb = couleur(couleur_)
            if taille:
                bout.font.size = Pt(taille)
        return p

    def _bouts(self, p: Any, bouts: modele.Bouts, *, gras: bool = False, encre: str | None = None) -> None:
        for bout in bouts:
            if bout.saut:
                p.add_run().add_break()
            morceau = p.add_run(sans_controle(bout.texte))
            if (bout.gras or gras) and not bout.petit:
                morceau.bold = True
            if bout.italique:
                morceau.italic = True
            if bout.petit:
                morceau.bold, morceau.font.size = False, Pt(7.5)
                morceau.font.color.rgb = couleur(ENCRE_2)
            elif encre:
                morceau.font.color.rgb = couleur(encre)


def _largeurs(table: modele.Table) -> list[float]:
    """Largeurs des colonnes, en centimètres ; leur somme est celle de la page."""
    parts = parts_des_colonnes(table)
    fixes = sum(1 for p in parts if p == 0)
    pour_un_nombre = min(2.6, max(1.7, 11.0 / max(fixes, 1))) if fixes else 0.0
    reste = LARGEUR_CM - fixes * pour_un_nombre
    total = sum(parts) or 1
    if not sum(parts):
        return [LARGEUR_CM / len(parts)] * len(parts)
    return [pour_un_nombre if p == 0 else reste * p / total for p in parts]


def _champ_ouvert(p: Any, instruction: str, *, a_jour: bool) -> None:
    sale = "" if a_jour else ' w:dirty="true"'
    for xml in (
        f'<w:r {nsdecls("w")}><w:fldChar w:fldCharType="begin"{sale}/></w:r>',
        f'<w:r {nsdecls("w")}><w:instrText xml:space="preserve"> {html_sur(instruction)} </w:instrText></w:r>',
        f'<w:r {nsdecls("w")}><w:fldChar w:fldCharType="separate"/></w:r>',
    ):
        p._p.append(parse_xml(xml))


def _champ_ferme(p: Any) -> None:
    p._p.append(parse_xml(f'<w:r {nsdecls("w")}><w:fldChar w:fldCharType="end"/></w:r>'))


def _numeroter(p: Any, numero: int) -> None:
    proprietes = p._p.get_or_add_pPr().get_or_add_numPr()
    proprietes.get_or_add_ilvl().val = 0
    proprietes.get_or_add_numId().val = numero


def _ombrer(p: Any) -> None:
    p._p.get_or_add_pPr().insert_element_before(
        parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="F3F6F8"/>'),
        *("w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"),
    )


def _insecable(ligne: Any, *, entete: bool = False) -> None:
    """Une ligne ne se coupe pas ; une ligne d'en-tête se répète en haut de chaque page."""
    proprietes = ligne._tr.get_or_add_trPr()
    proprietes.append(OxmlElement("w:cantSplit"))
    if entete:
        proprietes.append(OxmlElement("w:tblHeader"))


def _aspect(table: Any) -> None:
    """La première ligne est un en-tête, la première colonne aussi : les lecteurs d'écran s'en servent."""
    aspect = table._tbl.tblPr.find(qn("w:tblLook"))
    if aspect is None:
        aspect = OxmlElement("w:tblLook")
        table._tbl.tblPr.append(aspect)
    for attribut, valeur in {
        "val": "04A0", "firstRow": "1", "lastRow": "0", "firstColumn": "1", "lastColumn": "0",
        "noHBand": "1", "noVBand": "1",
    }.items():  # fmt: skip
        aspect.set(qn(f"w:{attribut}"), valeur)


def _filets(table: Any) -> None:
    cotes = "".join(
        f'<w:{c} w:val="single" w:sz="4" w:color="D5DBE1"/>'
        for c in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    table._tbl.tblPr.insert_element_before(
        parse_xml(f"<w:tblBorders {nsdecls('w')}>{cotes}</w:tblBorders>"),
        *("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook"),
    )


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
