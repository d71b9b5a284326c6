"""Les diapositives du comité de pilotage : douze au plus, un message chacune, graphiques natifs, sources en notes.

Sur le modèle de la Caf s'il est donné : ses mises en page, ses polices, ses couleurs ; les nombres gardent les nôtres.
"""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.lang import MSO_LANGUAGE_ID
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.packuri import PackURI
from pptx.util import Emu, Pt

from cafdiag.donnees.registres_champs import neutraliser
from cafdiag.restitution import couleurs
from cafdiag.restitution.archives import sans_dates
from cafdiag.restitution.carte import CLEF_DES_COMMUNES, CLEF_DES_TAUX, Carte
from cafdiag.restitution.carte_fixe import carte_statique
from cafdiag.restitution.couleurs import TERRITOIRE
from cafdiag.restitution.echappement import sans_controle
from cafdiag.restitution.formats import minuscule, ponctuer
from cafdiag.restitution.identite import Identite
from cafdiag.restitution.images import couper, png
from cafdiag.restitution.modele_pptx import Gabarit, Zone, ouvrir
from cafdiag.restitution.rendu_note import carte_de

AU_PLUS = 12
_COULEURS = {"territoire": TERRITOIRE, **couleurs.REFERENCES}
# Un corps plus petit ne se lit pas du fond de la salle.
_CORPS, _CORPS_MINIMAL = 20, 11
_PIXELS_PAR_POINT = 12700
# En pixels, et le grossissement de la légende : on les lit du fond de la salle.
_LARGEUR_CARTE, _LOUPE = 760, 1.7


@dataclass
class Diapositive:
    """Un message : son titre, ce qui le montre, ce qu'on en dit, d'où viennent ses chiffres.

    Attributes
    ----------
    titre : str
        Ce que la diapositive conclut.
    textes : list of (str, bool)
        Ses phrases ; vrai pour celle qu'on met au débat.
    barres, empilees, colonnes : mapping, optional
        Un graphique natif (:mod:`cafdiag.restitution.copil`).
    tableau : sequence, optional
        Des lignes de cellules, l'en-tête d'abord.
    carte : Carte, optional
        Une carte du carnet.
    sources : list of str
        Pour l'orateur : chaque chiffre, sa source et son millésime.
    """

    titre: str
    textes: list[tuple[str, bool]] = field(default_factory=list)
    barres: Mapping[str, Any] | None = None
    empilees: Mapping[str, Any] | None = None
    colonnes: Mapping[str, Any] | None = None
    tableau: Sequence[Sequence[str]] | None = None
    carte: Carte | None = None
    sources: list[str] = field(default_factory=list)


def diapositives(note: Mapping[str, Any], cartes: Sequence[Carte]) -> list[Diapositive]:
    """Les diapositives qui suivent la couverture, dans l'ordre : onze au plus.

    Parameters
    ----------
    note : mapping
        Le contenu de la note (:func:`cafdiag.restitution.note.contenu`), et sa part ``copil``.
    cartes : sequence of Carte
        Les cartes du carnet.
    """
    copil = note["copil"]
    debats = [_debat(d) for d in copil["debats"]]
    taux, communes = carte_de(cartes, CLEF_DES_TAUX), carte_de(cartes, CLEF_DES_COMMUNES)
    une = _carte(note["carte"], taux, note["couleur"]) if taux and note["carte"] else None
    # Par ordre d'utilité : s'il y a sept enjeux, les derniers de cette liste laissent leur place.
    autour = [
        _cles(note),
        une,
        _offre(note, copil["offre"]),
        _naissances(note, copil["naissances"]),
        _carte(note["communes"], communes, "") if communes else None,
    ]
    place = AU_PLUS - 2 - len(debats)
    avant = [d for d in autour if d is not None][:place]
    inconnu = Diapositive("Ce que ces chiffres ne disent pas", [(t, False) for t in note["inconnu"]])
    return [*avant, *debats, inconnu]


def _cles(note: Mapping[str, Any]) -> Diapositive | None:
    if not note["cles"]:
        return None
    lignes, sources = [["Ici", "", "Département", "France"]], []
    for cle in note["cles"]:
        ici = f"{'environ ' if cle['environ'] else ''}{cle['valeur']}"
        lignes.append([ici, cle["libelle"], *(cle["par_role"].get(r, "") for r in ("departement", "france"))])
        sources.append(_sourcer(note, f"{ici} {cle['libelle']}", cle["notes"]))
    chapo = [p["texte"] for p in note["chapo"]]
    sources += [_sourcer(note, p["texte"], p["notes"]) for p in note["chapo"] if p["notes"]]
    titre, _ = _theme(note, "population", "")
    habitants = re.match(r"[\d\s]+habitants?", chapo[0]) if chapo else None
    if titre and habitants:
        titre = f"{habitants[0]} : {minuscule(titre)}"
        # Le titre dit déjà combien.
        chapo[0] = chapo[0].replace(f"{habitants[0]} en", "Population de", 1)
    else:
        titre = chapo.pop(0).rstrip(".") if chapo else "Ce que l'on sait du territoire"
    textes = [(t, False) for t in [*chapo, *note["avertissements"]]]
    return Diapositive(titre, textes, tableau=lignes, sources=sources)


def _carte(titre: str, carte: Carte | None, precision: str) -> Diapositive | None:
    if carte is None:
        return None
    return Diapositive(titre, [(f"{precision}.", False)] if precision else [], carte=carte)


def _theme(note: Mapping[str, Any], sujet: str, defaut: str) -> tuple[str, list[dict[str, Any]]]:
    """Ce que la note conclut de ce sujet, et ses phrases."""
    for theme in note["themes"]:
        if theme["sujet"] == sujet:
            return theme["titre"], theme["phrases"]
    return defaut, []


def _offre(note: Mapping[str, Any], offre: Mapping[str, Any] | None) -> Diapositive | None:
    if offre is None or not offre["series"]:
        return None
    titre, phrases = _theme(note, "offre", "L'accueil des tout-petits")
    sources = [
        f"{offre['phrase']} {offre['source']}",
        *(_sourcer(note, p["texte"], p["notes"]) for p in phrases),
    ]
    textes = [(offre["phrase"], False), *((p["texte"], False) for p in phrases)]
    return Diapositive(titre, textes, empilees=offre, sources=sources)


def _naissances(note: Mapping[str, Any], naissances: Mapping[str, Any] | None) -> Diapositive | None:
    if naissances is None:
        return None
    titre, phrases = _theme(note, "naissances", "Les naissances")
    sources = [f"{naissances['titre']}. {naissances['source']}"]
    sources += [_sourcer(note, p["texte"], p["notes"]) for p in phrases]
    return Diapositive(titre, [(p["texte"], False) for p in phrases], colonnes=naissances, sources=sources)


def _debat(debat: Mapping[str, Any]) -> Diapositive:
    textes = [(debat["constat"], False), (debat["question"], True)]
    textes.append((f"Ce qui le contredirait : {minuscule(debat['contredit'])}", False))
    sources = [f"{debat['constat']} {debat['source']}"]
    return Diapositive(debat["titre"], textes, barres=debat["graphique"], sources=sources)


def _sourcer(note: Mapping[str, Any], texte: str, notes: Sequence[int]) -> str:
    return f"{texte.rstrip('.')}. {' '.join(note['notes'][n - 1] for n in notes)}".strip()


# --- L'écriture ---


def rendre_pptx(
    note: Mapping[str, Any], cartes: Sequence[Carte], identite: Identite, modele: bytes = b""
) -> bytes:
    """Les diapositives en pptx ; mêmes entrées, mêmes octets, et l'empreinte qui dira s'il a été retouché.

    Parameters
    ----------
    note, cartes
        Voir :func:`diapositives`.
    identite : Identite
    modele : bytes
        Un modèle déjà contrôlé (:func:`cafdiag.restitution.modele_pptx.lire_modele`) ; vide : le nôtre, sobre.
    """
    rendu, suite = _RedacteurPptx(ouvrir(modele)), diapositives(note, cartes)
    rendu.couverture(note, identite, logo=not modele)
    titre = rendu.corps_des_titres([d.titre for d in suite])
    for diapositive in suite:
        rendu.ajouter(diapositive, titre)
    return rendu.octets(str(note["titre"]))


class _RedacteurPptx:
    def __init__(self, gabarit: Gabarit) -> None:
        self.gabarit, self.prs = gabarit, gabarit.presentation

    def octets(self, titre: str) -> bytes:
        proprietes = self.prs.core_properties
        proprietes.title, proprietes.language = f"{_propre(titre)} – comité de pilotage"[:255], "fr-FR"
        proprietes.author = proprietes.comments = proprietes.keywords = ""
        for identifiant in proprietes._element.xpath("./dc:identifier"):
            # La place du sceau : deux identifiants rendraient le fichier fautif.
            proprietes._element.remove(identifiant)
        # Des logiciels rangent les propriétés ailleurs ; le sceau les cherche là.
        proprietes.partname = PackURI("/docProps/core.xml")
        tampon = io.BytesIO()
        self.prs.save(tampon)
        return sans_dates(tampon.getvalue(), sceller=True)

    def couverture(self, note: Mapping[str, Any], identite: Identite, *, logo: bool) -> None:
        page = self.prs.slides.add_slide(self.gabarit.couverture)
        _titrer(page, note["titre"], self._titre_au_plus([note["titre"]], self.gabarit.couverture))
        lignes = [note["surtitre"], "Comité de pilotage : les chiffres, les questions à débattre"]
        lignes.append(" · ".join(x for x in (identite.caf, identite.date, identite.contact) if x))
        lignes = [x for x in lignes if x]
        sous_titre = next((p for p in page.placeholders if p.placeholder_format.idx == 1), None)
        for vide in [p for p in page.placeholders if p.placeholder_format.idx not in (0, 1)]:
            vide._element.getparent().remove(vide._element)
        if sous_titre is None or not sous_titre.has_text_frame:
            zone = self.gabarit.zone
            sous_titre = page.shapes.add_textbox(zone.gauche, zone.haut, zone.largeur, zone.hauteur)
        textes, corps = (
            [(x, False) for x in lignes],
            self.gabarit.corps(sous_titre, self.gabarit.couverture, 20),
        )
        _ecrire(
            sous_titre.text_frame, textes, corps=_tenir(textes, corps, sous_titre.width, sous_titre.height)
        )
        if logo and identite.logo:
            image = page.shapes.add_picture(io.BytesIO(identite.logo), self.gabarit.zone.gauche, Emu(0))
            facteur = min(2_000_000 / image.width, 900_000 / image.height)
            image.width, image.height = Emu(int(image.width * facteur)), Emu(int(image.height * facteur))
            image.top = Emu(400_000)
            _decrire(image, identite.caf or "Logo")

    def corps_des_titres(self, titres: list[str]) -> int | None:
        """Le corps commun aux titres : celui de la mise en page, ou le plus grand qui les fasse tous tenir."""
        return self._titre_au_plus(titres, self.gabarit.contenu)

    def _titre_au_plus(self, titres: list[str], mise: Any) -> int | None:
        """None si le corps hérité convient : rien n'est alors écrit par-dessus le modèle."""
        cadre = next(p for p in mise.placeholders if p.placeholder_format.idx == 0)
        corps = self.gabarit.corps(cadre, mise, 44)
        largeur, hauteur = (
            cadre.width or self.prs.slide_width * 9 // 10,
            cadre.height or self.prs.slide_height // 7,
        )
        tenus = [
            _tenir([(_propre(t), True)], corps, largeur, hauteur, minimum=16, serre=True) for t in titres
        ]
        return min(tenus) if min(tenus) < corps else None

    def ajouter(self, diapositive: Diapositive, corps_du_titre: int | None) -> None:
        page = self.prs.slides.add_slide(self.gabarit.contenu)
        _titrer(page, diapositive.titre, corps_du_titre)
        # Les cadres vides de la mise en page s'afficheraient « Cliquez pour ajouter du texte ».
        for vide in [p for p in page.placeholders if p.placeholder_format.idx != 0]:
            vide._element.getparent().remove(vide._element)
        if self.gabarit.numero is not None:
            numero = copy.deepcopy(self.gabarit.numero)
            next(e for e in numero.iter() if e.tag.endswith("}cNvPr")).set(
                "id", str(page.shapes._next_shape_id)
            )
            page.shapes._spTree.append(numero)
        z = self.gabarit.zone
        if diapositive.tableau:
            haut = z.hauteur * (80 if diapositive.textes else 100) // 100
            self._tableau(page, diapositive, replace(z, hauteur=haut))
            if diapositive.textes:
                sous = replace(z, haut=z.haut + haut, hauteur=z.hauteur - haut)
                _poser(page, "Texte", diapositive.textes, sous, corps=16)
        elif diapositive.carte is not None:
            self._image(page, diapositive, diapositive.carte)
        elif diapositive.colonnes or diapositive.barres or diapositive.empilees:
            gauche, pied = z.largeur * 56 // 100, z.hauteur * 9 // 100
            cadre = replace(z, largeur=gauche, hauteur=z.hauteur - pied)
            donnees = self._graphique(page, diapositive, cadre)
            sous = replace(cadre, haut=z.haut + cadre.hauteur, hauteur=pied)
            _poser(page, "Source", [(f"Source : {donnees['source']}", False)], sous, corps=12, serre=True)
            debut = z.gauche + gauche + z.largeur * 2 // 100
            a_droite = replace(z, gauche=debut, largeur=z.gauche + z.largeur - debut)
            _poser(page, "Texte", diapositive.textes, a_droite, corps=_CORPS)
        else:
            _poser(page, "Texte", diapositive.textes, z, corps=_CORPS)
        page.notes_slide.notes_text_frame.text = _propre(
            "\n".join(["Sources", *(f"• {s}" for s in diapositive.sources)])
            if diapositive.sources
            else "Cette diapositive ne porte aucun chiffre."
        )
        for paragraphe in page.notes_slide.notes_text_frame.paragraphs:
            for bout in paragraphe.runs:
                bout.font.language_id = MSO_LANGUAGE_ID.FRENCH

    def _image(self, page, diapositive: Diapositive, dessinee: Carte) -> None:
        z, carte = self.gabarit.zone, carte_statique(dessinee, largeur=_LARGEUR_CARTE, loupe=_LOUPE)
        pied = [(carte.sous_titre, False), *diapositive.textes, (carte.source, False)]
        hauteur_pied = z.hauteur * 12 // 100
        dispo = z.hauteur - hauteur_pied
        largeur = min(z.largeur, int(dispo * carte.largeur / carte.hauteur))
        # 220 points par pouce à la taille où elle se montre : nette au projecteur comme imprimée.
        octets = png(carte.svg, largeur_cm=largeur / 360000, ppp=220)
        image = page.shapes.add_picture(
            io.BytesIO(octets), Emu(z.gauche + (z.largeur - largeur) // 2), Emu(z.haut), Emu(largeur)
        )
        _decrire(image, carte.texte)
        _poser(
            page, "Source", pied, replace(z, haut=z.haut + dispo, hauteur=hauteur_pied), corps=12, serre=True
        )
        diapositive.sources.append(f"{carte.sous_titre}. {carte.source}")

    def _tableau(self, page, diapositive: Diapositive, zone: Zone) -> None:
        lignes = diapositive.tableau or ()
        haut = min(zone.hauteur // len(lignes), 620_000)
        cadre = page.shapes.add_table(
            len(lignes),
            len(lignes[0]),
            Emu(zone.gauche),
            Emu(zone.haut),
            Emu(zone.largeur),
            Emu(haut * len(lignes)),
        )
        cadre.name = "Chiffres"
        parts = (20, 38, 21, 21)
        for colonne, part in zip(cadre.table.columns, parts, strict=True):
            colonne.width = Emu(zone.largeur * part // 100)
        corps = 14 if zone.largeur > 10_000_000 else 12
        for rang, ligne in enumerate(lignes):
            cadre.table.rows[rang].height = Emu(haut)
            for colonne, mots in enumerate(ligne):
                case = cadre.table.cell(rang, colonne)
                case.vertical_anchor = MSO_ANCHOR.MIDDLE
                p = case.text_frame.paragraphs[0]
                _bout(
                    p, mots, corps=corps + (4 if colonne == 0 and rang else 0), gras=colonne == 0 or rang == 0
                )
                p.alignment = PP_ALIGN.LEFT if colonne == 1 else PP_ALIGN.CENTER
        _decrire(cadre, diapositive.titre)

    # --- Les graphiques, natifs : on les reprend dans PowerPoint ---

    def _graphique(self, page, diapositive: Diapositive, zone: Zone) -> Mapping[str, Any]:
        donnees = diapositive.barres or diapositive.empilees or diapositive.colonnes
        assert donnees is not None
        valeurs, genre = CategoryChartData(number_format="General"), XL_CHART_TYPE.BAR_CLUSTERED
        if diapositive.barres:
            series = [_serie_de_barres(donnees)]
            noms = [b["court"] for b in donnees["barres"]]
        elif diapositive.empilees:
            genre, noms, series = XL_CHART_TYPE.BAR_STACKED, donnees["noms"], donnees["series"]
        else:
            genre, noms = XL_CHART_TYPE.COLUMN_CLUSTERED, donnees["noms"]
            series = [{"nom": donnees["titre"], "valeurs": donnees["valeurs"], "ecrits": donnees["ecrits"]}]
        valeurs.categories = [_inerte(n) for n in noms]
        for serie in series:
            valeurs.add_series(_inerte(serie["nom"]), serie["valeurs"])
        cadre = page.shapes.add_chart(
            genre, Emu(zone.gauche), Emu(zone.haut), Emu(zone.largeur), Emu(zone.hauteur), valeurs
        )
        cadre.name = "Graphique"
        graphique = cadre.chart
        graphique.font.size = Pt(14)
        titre = graphique.chart_title.text_frame
        titre.text = _propre(donnees["titre"])
        suite = titre.add_paragraph()
        _bout(suite, donnees["precision"], corps=12)
        for bout in titre.paragraphs[0].runs:
            bout.font.size, bout.font.bold = Pt(14), True
        graphique.has_legend = len(series) > 1
        if graphique.has_legend:
            graphique.legend.position, graphique.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
            graphique.legend.font.size = Pt(13)
        _axes(graphique, horizontal=genre != XL_CHART_TYPE.COLUMN_CLUSTERED)
        for rang, serie in enumerate(series):
            self._habiller(graphique.plots[0].series[rang], serie, empile=genre == XL_CHART_TYPE.BAR_STACKED)
        graphique.plots[0].gap_width = 45
        _decrire(cadre, _alternative(noms, series))
        return donnees

    def _habiller(self, trace: Any, serie: Mapping[str, Any], *, empile: bool) -> None:
        """La couleur de chaque barre et son nombre écrit : celui du rapport, pas celui que PowerPoint arrondirait."""
        trace.invert_if_negative = False
        teinte = couleurs.MODES[serie["code"]][1] if empile else TERRITOIRE
        trace.format.fill.solid()
        trace.format.fill.fore_color.rgb = RGBColor.from_string(teinte[1:].upper())
        colonnes, saillants = len(serie["valeurs"]) > 6, _saillants(serie["valeurs"])
        for rang, (valeur, ecrit) in enumerate(zip(serie["valeurs"], serie["ecrits"], strict=True)):
            if valeur is None:
                continue
            point = trace.points[rang]
            if roles := serie.get("roles"):
                point.format.fill.solid()
                point.format.fill.fore_color.rgb = RGBColor.from_string(_COULEURS[roles[rang]][1:].upper())
            petit = empile and valeur < 4
            if petit or (colonnes and rang not in saillants):
                continue
            etiquette = point.data_label
            _bout(etiquette.text_frame.paragraphs[0], ecrit, corps=13, gras=not empile)
            if empile:
                clair = couleurs.luminance(teinte) > 0.25
                encre = RGBColor.from_string(couleurs.ENCRE[1:].upper() if clair else "FFFFFF")
                etiquette.text_frame.paragraphs[0].runs[0].font.color.rgb = encre
            etiquette.position = XL_LABEL_POSITION.CENTER if empile else XL_LABEL_POSITION.OUTSIDE_END


def _serie_de_barres(donnees: Mapping[str, Any]) -> dict[str, Any]:
    barres = donnees["barres"]
    colonnes = {
        c: [b[s] for b in barres] for c, s in (("valeurs", "valeur"), ("ecrits", "ecrit"), ("roles", "role"))
    }
    return {"nom": donnees["titre"], **colonnes}


def _saillants(valeurs: Sequence[float | None]) -> set[int]:
    """Les années dont le nombre s'écrit : la première, la dernière, le plus haut et le plus bas s'ils en sont loin.

    >>> _saillants([5, 9, 7, None, 6, 2, 3]), _saillants([5, 6, 9, 7, 2, 4, 3])
    ({0, 6}, {0, 2, 4, 6})
    """
    connues = [(v, r) for r, v in enumerate(valeurs) if v is not None]
    retenus = {connues[0][1], connues[-1][1]} if connues else set()
    for _, rang in (max(connues, default=(0, 0)), min(connues, default=(0, 0))):
        if all(abs(rang - r) > 1 for r in retenus):
            retenus.add(rang)
    return retenus


def _axes(graphique: Any, *, horizontal: bool) -> None:
    valeurs, categories = graphique.value_axis, graphique.category_axis
    valeurs.has_major_gridlines = valeurs.visible = False
    connues = [v for s in graphique.plots[0].series for v in s.values if v is not None]
    bas, haut = min(0, *connues), max(0, *connues)
    # Une barre part de zéro, sinon sa longueur ment ; son nombre, au bout, n'est pas sur le nom.
    place = (haut - bas) / 4
    valeurs.minimum_scale = bas - place if bas < 0 else 0
    if bas < 0:
        valeurs.maximum_scale = haut + place if haut > 0 else 0
    categories.has_major_gridlines = False
    categories.reverse_order = horizontal
    categories.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    categories.format.line.color.rgb = RGBColor.from_string("8A929A")
    categories.tick_labels.font.size = Pt(14 if horizontal else 11)


def _alternative(noms: Sequence[str], series: Sequence[Mapping[str, Any]]) -> str:
    dites = []
    for serie in series:
        couples = [f"{n} {e}" for n, e in zip(noms, serie["ecrits"], strict=True) if e]
        dites.append(f"{serie['nom']} : {', '.join(couples)}.")
    return " ".join(dites)


# --- Les textes ---


def _propre(texte: object) -> str:
    return ponctuer(sans_controle(texte))


def _inerte(texte: object) -> str:
    """Un nom que le tableur d'un graphique ne prendra ni pour une formule ni pour un lien.

    >>> _inerte("=1+1"), _inerte("http://x"), _inerte("Mayenne")
    ("'=1+1", "'http://x", 'Mayenne')
    """
    propre = neutraliser(_propre(texte))
    return f"'{propre}" if re.match(r"(?i)(?:https?|ftp|mailto|internal|external):", propre) else propre


def _titrer(page, texte: str, corps: int | None) -> None:
    titre = page.shapes.title
    titre.text_frame.text = _propre(texte)
    for bout in titre.text_frame.paragraphs[0].runs:
        bout.font.language_id = MSO_LANGUAGE_ID.FRENCH
        if corps is not None:
            bout.font.size = Pt(corps)


def _bout(paragraphe, mots: str, *, corps: int, gras: bool = False) -> None:
    bout = paragraphe.add_run()
    bout.text = _propre(mots)
    bout.font.size, bout.font.bold, bout.font.language_id = Pt(corps), gras, MSO_LANGUAGE_ID.FRENCH


def _ecrire(cadre, textes: Sequence[tuple[str, bool]], *, corps: int, serre: bool = False) -> None:
    cadre.word_wrap = True
    for rang, (mots, fort) in enumerate(textes):
        paragraphe = cadre.paragraphs[0] if rang == 0 else cadre.add_paragraph()
        _bout(paragraphe, mots, corps=corps, gras=fort)
        paragraphe.space_after = Pt(0 if serre else corps * 0.6)


def lignes_de(textes: Sequence[tuple[str, bool]], corps: float, largeur: int) -> int:
    """Combien de lignes prennent ces textes dans un cadre de cette largeur, marges ôtées."""
    utile = (largeur - 2 * 91440) / _PIXELS_PAR_POINT
    return sum(len(couper(_propre(mots), corps, utile, gras=fort)) for mots, fort in textes)


def _tenir(
    textes: Sequence[tuple[str, bool]],
    corps: int,
    largeur: int,
    hauteur: int,
    *,
    minimum: int = _CORPS_MINIMAL,
    serre: bool = False,
) -> int:
    """Le plus grand corps, à partir de celui-ci, qui fait tenir ces textes dans leur cadre."""
    while corps > minimum:
        interligne = corps * 1.2
        haut = lignes_de(textes, corps, largeur) * interligne + (0 if serre else len(textes) * corps * 0.6)
        if haut <= (hauteur - 2 * 45720) / _PIXELS_PAR_POINT:
            break
        corps -= 1
    return corps


def _poser(
    page, nom: str, textes: Sequence[tuple[str, bool]], zone: Zone, *, corps: int, serre: bool = False
) -> None:
    """Un cadre de texte, au plus grand corps qui y tienne."""
    boite = page.shapes.add_textbox(Emu(zone.gauche), Emu(zone.haut), Emu(zone.largeur), Emu(zone.hauteur))
    boite.name = nom
    minimum = 9 if serre else _CORPS_MINIMAL
    tenu = _tenir(textes, corps, zone.largeur, zone.hauteur, minimum=minimum, serre=serre)
    _ecrire(boite.text_frame, textes, corps=tenu, serre=serre)


def _decrire(forme, texte: str) -> None:
    """Le texte de remplacement d'une image, d'un tableau ou d'un graphique."""
    for proprietes in forme._element.iter():
        if proprietes.tag.endswith("}cNvPr"):
            proprietes.set("descr", _propre(texte))
            return
