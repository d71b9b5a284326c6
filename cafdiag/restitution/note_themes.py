"""Les messages de la note, thème par thème : un titre qui conclut, deux ou trois phrases, un dessin s'il sert.

Un thème sans chiffre n'a ni titre ni cadre. Un chiffre qui fonde un enjeu y est déjà dit : il ne se redit pas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from cafdiag.donnees.calibrage import epreuve_horizon
from cafdiag.indicateurs import dictionnaire
from cafdiag.millesimes import millesime
from cafdiag.restitution import couleurs, graphiques, graphiques_rang
from cafdiag.restitution.accords import accorder, elider
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.document import Figure
from cafdiag.restitution.evolution import fait_une_serie
from cafdiag.restitution.formats import enumeration, intervalle, majuscule, nom_court, nombre
from cafdiag.restitution.horizon import epreuve_en_bref
from cafdiag.restitution.lecture import MesuresLues, accord
from cafdiag.restitution.note_mots import PRESQUE_TOUS, duree, fraction, quand, situe
from cafdiag.restitution.note_notes import Notes, sans_mayotte
from cafdiag.restitution.themes import epci_du_departement

GLOBAL, NAISSANCES, ALSH, COUVERTS = "PE_TXCOUV_GLOBAL", "PE_NAISS_EVOL", "EJ_ALSH_PART_COM_EQUIP", "PS_COUV_POP"
# Par mode : ce qu'en dit une phrase, et son nom sur un dessin.
MODES = {
    "PE_TXCOUV_EAJE": ("en crèche", "Crèche"),
    "PE_TXCOUV_AM": ("chez une assistante maternelle", "Assistante maternelle"),
    "PE_TXCOUV_PRESCO": ("à l'école dès 2 ans", "École à 2 ans"),
    "PE_TXCOUV_GAD": ("au domicile des parents", "Au domicile"),
}
_SUJETS = {
    "enfance-jeunesse": "les places et les horaires des accueils de loisirs",
    "animation-vie-sociale": "les lieux d'animation sociale",
    "parentalite": "le soutien aux parents",
    "logement": "les difficultés de logement",
    "handicap-insertion": "le handicap et l'insertion",
}
# Au-delà, un classement ne se lit plus.
_CLASSES_AU_PLUS = 14
# « Au moins 0,5 % » n'apprend rien.
PEU = 25


class _Theme:
    """Les phrases d'un thème, chacune avec ses notes ; une phrase dont le chiffre manque ne s'écrit pas."""

    def __init__(
        self, donnees: Donnees, dits: Collection[str], notes: Notes, sans_place: dict[str, Any] | None
    ) -> None:
        self.sans_place = sans_place
        self.donnees, self.lecture, self.dits, self.notes = donnees, donnees.lecture, dits, notes
        # Plus il y a de quoi débattre, moins il y a de place pour le reste.
        self.phrases_au_plus = max(1, min(3, 7 - len(dits)))
        self.phrases: list[dict[str, Any]] = []
        self.figures: list[dict[str, str]] = []

    def dire(self, code: str, phrase: str) -> None:
        """Ajoute une phrase sur un indicateur, avec la note de sa source, tant qu'il y a de la place."""
        if len(self.phrases) == self.phrases_au_plus:
            return
        ligne = self.lecture.ligne(code)
        renvoi = self.notes.renvoi(ligne, france=self.lecture.ligne(code, "france") if " en France" in phrase else None)
        self.phrases.append({"texte": majuscule(elider(sans_mayotte(phrase))), "notes": [renvoi]})

    def inedit(self, code: str) -> bool:
        """Vrai si l'indicateur est connu et qu'aucun enjeu ne l'a déjà dit."""
        return self.lecture.connu(code) and code not in self.dits

    def part(self, code: str, phrase: str) -> None:
        """« 34,7 % des foyers…, contre 36,5 % dans le département. », s'il est inédit."""
        if self.inedit(code):
            contre = self.lecture.contre(code)
            self.dire(code, f"{self.lecture.dit(code)} {phrase}{f', {contre}' if contre else ''}.")

    def dessiner(self, dessin: Figure, titre: str, precision: str) -> None:
        """Ajoute un dessin, avec le titre et la précision que la note lui donne."""
        figure = {"titre": titre, "svg": dessin.svg, "alternative": dessin.alternative, "precision": precision}
        self.figures.append(figure)

    def rendre(self, titre: str) -> dict[str, Any] | None:
        """Le thème ; rien s'il n'a ni phrase ni dessin."""
        dit = self.phrases or self.figures
        return {"titre": titre, "phrases": self.phrases, "figures": self.figures} if dit else None


def themes(
    donnees: Donnees, dits: Collection[str], notes: Notes, sans_place: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Les thèmes dont quelque chose est connu, dans l'ordre de la note ; ``dits`` : les indicateurs des enjeux."""
    rendus = (f(_Theme(donnees, dits, notes, sans_place)) for f in _THEMES)
    return [r for r in rendus if r]


def _offre(theme: _Theme) -> dict[str, Any] | None:
    lecture, donnees = theme.lecture, theme.donnees
    if not lecture.connu(GLOBAL):
        return None
    _etablissements(theme)
    if theme.sans_place and len(theme.phrases) < theme.phrases_au_plus:
        renvoi = theme.notes.renvoi(theme.sans_place["ligne"])
        theme.phrases.append({"texte": theme.sans_place["phrase"], "notes": [renvoi]})
    ecarts = {c: e for c in MODES if (e := lecture.ecart(c, "departement"))}
    if ecarts:
        code = max(ecarts, key=lambda c: abs(ecarts[c]))
        ici = f"{lecture.dit(code)} {accorder(lecture.valeur(code), 'places')} pour 100 enfants ici"
        la = f"{lecture.texte(code, 'departement')} dans {lecture.noms['departement']}"
        theme.dire(code, f"C'est {MODES[code][0]} que l'écart avec le département est le plus grand : {ici}, {la}.")
    if theme.inedit("PE_BESOIN_CIBLE") and lecture.valeur("PE_BESOIN_CIBLE") > 0:
        besoin = f"{lecture.dit('PE_BESOIN_CIBLE')} places de plus{lecture.entre('PE_BESOIN_CIBLE')}"
        theme.dire("PE_BESOIN_CIBLE", f"Rejoindre le taux de la France demanderait {besoin}.")
    date = quand(lecture.ligne(GLOBAL))
    modes = lecture.mesures[lecture.mesures["indicateur"].isin([GLOBAL, *MODES])]
    dessin = graphiques.barres_empilees(
        modes[modes["role"].isin(["territoire", "departement", "france"])],
        territoire=donnees.territoire.code,
        titre="De quoi l'offre est faite",
        noms={donnees.territoire.code: nom_court(donnees.nom)},
        modes={c: (nom, couleurs.MODES[c][1]) for c, (_, nom) in MODES.items()},
    )
    theme.dessiner(dessin, "De quoi l'offre est faite", f"Places pour 100 enfants de moins de 3 ans, {date}")
    _classement(theme, date)
    return theme.rendre(_titre_de_l_offre(lecture))


def _etablissements(theme: _Theme) -> None:
    lecture = theme.lecture
    if not (lecture.connu("PE_NB_EAJE") and lecture.connu("PE_NB_MICRO")):
        return
    creches = accord(lecture.valeur("PE_NB_EAJE"), "crèche ou multi-accueil", "crèches ou multi-accueils")
    micro = accord(lecture.valeur("PE_NB_MICRO"), "micro-crèche")
    if lecture.valeur("PE_NB_EAJE") + lecture.valeur("PE_NB_MICRO"):
        theme.dire("PE_NB_EAJE", f"{creches} et {micro} en {lecture.annee('PE_NB_EAJE')}.")
    else:
        theme.dire("PE_NB_EAJE", f"Ni crèche ni micro-crèche n'y était recensée en {lecture.annee('PE_NB_EAJE')}.")


def _titre_de_l_offre(lecture: MesuresLues) -> str:
    """« Trois places sur quatre chez une assistante maternelle »."""
    taux = {c: lecture.valeur(c) for c in MODES if lecture.connu(c)}
    if not taux:
        return "L'accueil des tout-petits"
    premier = max(taux, key=lambda c: taux[c])
    dit = fraction(100 * taux[premier] / lecture.valeur(GLOBAL), "place")
    if dit and not lecture.estime(GLOBAL):
        return f"{dit} {MODES[premier][0]}"
    return f"L'accueil se fait d'abord {MODES[premier][0]}"


def _classement(theme: _Theme, date: str) -> None:
    """Les intercommunalités du département, de la plus fournie à la moins fournie."""
    donnees = theme.donnees
    if donnees.territoire.maille != "epci" or not donnees.rattachement.compare:
        return
    siens = donnees.autour["territoire"].isin(epci_du_departement(donnees.territoire.departement))
    if not 3 <= siens.sum() <= _CLASSES_AU_PLUS or not donnees.autour.loc[siens, "valeur"].notna().all():
        return
    voisins = donnees.autour[siens]
    france = theme.lecture.valeur(GLOBAL, "france")
    dessin = graphiques_rang.points_classes(
        voisins,
        territoire=donnees.territoire.code,
        titre="Dans le département",
        noms={c: nom_court(n) for c, n in zip(voisins["territoire"], voisins["nom"], strict=True)},
        decimales=1,
        reference=None if france != france else france,
    )
    theme.dessiner(dessin, "D'une intercommunalité à l'autre", f"Du taux le plus élevé au plus bas, {date}")


def _naissances(theme: _Theme) -> dict[str, Any] | None:
    lecture, donnees = theme.lecture, theme.donnees
    if theme.inedit("PE_NAISS"):
        theme.dire("PE_NAISS", f"{accord(lecture.valeur('PE_NAISS'), 'naissance')} en {lecture.annee('PE_NAISS')}.")
    if theme.inedit("PE_ENF_M3") and donnees.territoire.maille != "commune":
        quand, combien = lecture.annee("PE_ENF_M3"), lecture.dit("PE_ENF_M3")
        theme.dire("PE_ENF_M3", f"Fin {quand}, {combien} enfants avaient moins de 3 ans.")
        if theme.inedit("PE_ENF_M3_5ANS"):
            bornes = lecture.ligne("PE_ENF_M3_5ANS")
            entre = intervalle(bornes["bas"], bornes["haut"], decimales=0).replace(" à ", " et ")
            # L'intervalle d'une seule hypothèse, éprouvé sur le passé : à 80 %.
            dite = f" ; huit fois sur dix, entre {entre}" if entre else ""
            alors = f"Fin {bornes['annee']:.0f}, ils seraient {lecture.dit('PE_ENF_M3_5ANS')}"
            eprouve = f" {epreuve_en_bref(epreuve_horizon(), 'enfants')}" if entre else ""
            theme.dire("PE_ENF_M3_5ANS", f"{alors}{dite}.{eprouve}")
    if fait_une_serie(donnees.naissances):
        connues = donnees.naissances["valeur"].notna()
        annees, code = donnees.naissances.loc[connues, "annee"], donnees.territoire.code
        # Une dernière année pas encore publiée ici n'apprend rien à un élu.
        serie = donnees.naissances[donnees.naissances["annee"].between(annees.min(), annees.max())]
        dessin = graphiques_rang.serie(serie, territoire=code, titre="Naissances", decimales=0)
        theme.dessiner(dessin, f"Naissances, {annees.min()}-{annees.max()}", "Enfants de mères habitant le territoire")
    if not lecture.connu(NAISSANCES):
        return theme.rendre("Les naissances")
    evolution, ecart = lecture.valeur(NAISSANCES), lecture.ecart(NAISSANCES, "france")
    if abs(evolution) < 1:
        recul = ecart is not None and lecture.valeur(NAISSANCES, "france") < -1
        suite = ", alors qu'elles reculent en France" if recul else ""
        return theme.rendre(f"Les naissances se maintiennent{suite}")
    if evolution > 0:
        return theme.rendre("Les naissances augmentent")
    vite = "" if ecart is None else ", moins vite qu'en France" if ecart > 0 else ", plus vite qu'en France"
    return theme.rendre(f"Les naissances reculent{vite}")


def _population(theme: _Theme) -> dict[str, Any] | None:
    lecture = theme.lecture
    theme.part("CTX_PART_0_19", "des habitants ont moins de 20 ans")
    if theme.inedit("CTX_TX_PAUVRETE"):
        ou = situe(lecture, "CTX_TX_PAUVRETE")
        dit = f"{lecture.dit('CTX_TX_PAUVRETE')} des habitants vivent sous le seuil de pauvreté"
        ou = f", {'le' if ou.startswith('le ') else 'un'} taux {ou}" if ou else ""
        theme.dire("CTX_TX_PAUVRETE", f"{dit}{ou}.")
    if theme.inedit("CTX_NIV_VIE"):
        niveau = lecture.texte("CTX_NIV_VIE")
        theme.dire("CTX_NIV_VIE", f"La moitié des habitants a un niveau de vie inférieur à {niveau} € par an.")
    if lecture.connu("CTX_PART_RURAL") and 0 < lecture.valeur("CTX_PART_RURAL") < 100:
        theme.part("CTX_PART_RURAL", "des habitants vivent en commune rurale")
    code = "CTX_POP_EVOL"
    if not lecture.connu(code):
        return theme.rendre("Qui vit ici")
    evolution, france = lecture.valeur(code), lecture.valeur(code, "france")
    if abs(evolution) < 0.5:
        return theme.rendre("Une population stable")
    sens, ecart = "augmente" if evolution > 0 else "diminue", lecture.ecart(code, "france")
    plus = "plus" if ecart is not None and ecart * evolution > 0 else "moins"
    compare = f", {plus} vite qu'en France" if ecart is not None and france * evolution > 0 else ""
    return theme.rendre(f"La population {sens}{compare}")


def _enfance(theme: _Theme) -> dict[str, Any] | None:
    lecture = theme.lecture
    if not lecture.connu(ALSH) or theme.donnees.territoire.maille == "commune":
        return None
    if theme.inedit("EJ_ENF_311"):
        theme.dire("EJ_ENF_311", f"{lecture.dit('EJ_ENF_311')} enfants ont de 3 à 11 ans.")
    presque = lecture.valeur(ALSH) >= PRESQUE_TOUS
    if not presque:
        theme.part(ALSH, "d'entre eux ont un accueil de loisirs dans leur commune")
    if theme.inedit("EJ_ALSH_IMPLANT_311"):
        lieux = "lieux" if lecture.valeur("EJ_ALSH_IMPLANT_311") >= 2 else "lieu"
        theme.part("EJ_ALSH_IMPLANT_311", f"{lieux} d'accueil de loisirs pour 100 enfants de cet âge")
    if presque:
        return theme.rendre("Un accueil de loisirs dans la commune de presque chaque enfant")
    dit = fraction(lecture.valeur(ALSH), "enfant") or "Peu d'enfants"
    return theme.rendre(f"{dit} avec un accueil de loisirs sur place")


def _vie_sociale(theme: _Theme) -> dict[str, Any] | None:
    lecture = theme.lecture
    quartiers = lecture.valeur("CTX_QPV_NB") if lecture.connu("CTX_QPV_NB") else 0
    if quartiers and theme.donnees.territoire.maille != "qpv":
        return _quartiers(theme, quartiers)
    if not lecture.connu("CTX_COM_FRR") or not lecture.valeur("CTX_COM_FRR"):
        return None
    zonees, total = int(lecture.valeur("CTX_COM_FRR")), len(theme.donnees.territoire.communes)
    tout = zonees == total
    if "AVS_FRR_SANS" not in theme.dits:
        combien = f"{accord(zonees, 'commune')} sur {total} {'sont' if zonees > 1 else 'est'}"
        combien = "La commune est" if total == 1 else f"Les {total} communes sont" if tout else combien
        theme.dire("CTX_COM_FRR", f"{combien} en zone France ruralités revitalisation.")
    return theme.rendre(f"{'Tout le' if tout else 'Une part du'} territoire en zone rurale à revitaliser")


def _quartiers(theme: _Theme, quartiers: float) -> dict[str, Any] | None:
    lecture, compte = theme.lecture, accord(quartiers, "quartier prioritaire", "quartiers prioritaires")
    theme.dire("CTX_QPV_NB", f"L'État y a délimité {compte} de la politique de la ville en {millesime('qpv.liste')}.")
    for code, qui in (("AVS_QPV_COUV", "des quartiers"), ("AVS_QPV_HAB_COUV", "de leurs habitants")):
        if (bornes := lecture.bornes(code)) and lecture.ligne(code)["bas"] >= PEU:
            theme.dire(code, f"{bornes} {qui} ont un centre social dans leur commune : la liste connue est partielle.")
            break
    couverts = lecture.valeur("AVS_QPV_COUV")
    if couverts >= 100:
        return theme.rendre("Chaque quartier prioritaire a un centre social à portée")
    sans = "tous n'ont pas de centre social" if lecture.connu("AVS_QPV_COUV") else "une présence sociale à préciser"
    return theme.rendre(f"{compte}, {sans}" if quartiers >= 2 else compte)


def _droits(theme: _Theme) -> dict[str, Any] | None:
    lecture, code = theme.lecture, "AD_FS_ACCES"
    if not lecture.connu(code) or theme.donnees.territoire.maille == "commune":
        return None
    a_portee = f"à {duree(lecture.ligne(code))} au plus d'un espace France services"
    if lecture.connu("AD_FS_NB"):
        espaces = accord(lecture.valeur("AD_FS_NB"), "espace France services", "espaces France services")
        aucun = "Aucun espace France services" if not lecture.valeur("AD_FS_NB") else espaces
        theme.dire("AD_FS_NB", f"{aucun} sur le territoire en {lecture.annee('AD_FS_NB')}.")
    if lecture.valeur(code) >= PRESQUE_TOUS:
        theme.dire(code, "La durée du trajet par la route est estimée.")
        return theme.rendre(f"Presque tous les habitants {a_portee}")
    theme.part(code, f"des habitants sont {a_portee}")
    dit = fraction(lecture.valeur(code), "habitant") or "Peu d'habitants"
    return theme.rendre(f"{dit} près d'une France services")


def _caf(theme: _Theme) -> dict[str, Any] | None:
    lecture = theme.lecture
    if not lecture.connu(COUVERTS):
        return None
    date = re.sub(r"^décembre", "en décembre", str(lecture.ligne(COUVERTS)["millesime"]).split(",")[0])
    contre = lecture.contre(COUVERTS)
    qui = f"Parents et enfants compris, la Caf couvre {lecture.dit(COUVERTS)} des habitants {date}"
    theme.dire(COUVERTS, f"{qui}{f', {contre}' if contre else ''} ; le régime agricole n'y est pas compté.")
    theme.part("LOG_AL_PART", "des foyers allocataires ont une aide au logement")
    theme.part("PS_RSA", "des foyers allocataires ont le RSA")
    theme.part("PS_PPA", "des foyers allocataires ont la prime d'activité")
    dit = fraction(lecture.valeur(COUVERTS), "habitant") or "Moins d'un habitant sur quatre"
    return theme.rendre(f"{dit} avec une prestation de la Caf")


_THEMES: tuple[Callable[[_Theme], dict[str, Any] | None], ...] = (
    _offre,
    _naissances,
    _population,
    _enfance,
    _vie_sociale,
    _droits,
    _caf,
)


def inconnu(lecture: MesuresLues) -> list[str]:
    """Ce que la note ne dit pas : les sujets sans chiffre, et ce que vaut une place."""
    themes_des_codes = dictionnaire()["theme"]
    connus = {theme for code, theme in themes_des_codes.items() if lecture.connu(code)}
    manquent = [dit for theme, dit in _SUJETS.items() if theme not in connus]
    if "enfance-jeunesse" in connus and not lecture.connu("EJ_ALSH_PLACES_311"):
        manquent.insert(0, _SUJETS["enfance-jeunesse"])
    phrases = [f"Aucun chiffre n'est encore réuni sur {enumeration(manquent)}."] if manquent else []
    if lecture.connu(GLOBAL):
        phrases.append("Une place comptée peut être vacante ou partagée, et servir à un enfant d'ailleurs.")
    return [*phrases, "La parole des familles, des professionnels et des associations complète ces chiffres."]


def titre_de_la_carte(donnees: Donnees) -> str:
    """Ce que conclut la carte de la première page ; vide si elle n'aurait aucune couleur."""
    if len(donnees.autour) and donnees.autour["valeur"].isna().all():
        return ""
    ou = situe(donnees.lecture, GLOBAL)
    if not ou:
        return "L'accueil des tout-petits, d'un lieu à l'autre"
    return f"Accueil des tout-petits : {'le' if ou.startswith('le ') else 'un'} taux {ou}"


def titre_des_communes(donnees: Donnees, enfants: dict[str, float]) -> str:
    """« Plus d'un enfant sur deux à Angers » : ce que conclut la carte des communes.

    Parameters
    ----------
    donnees : Donnees
    enfants : dict
        Enfants de moins de 3 ans par nom de commune ; vide si la carte montre autre chose.
    """
    total = sum(enfants.values())
    if not total:
        return "Où vivent les habitants"
    premiere = max(enfants, key=lambda n: enfants[n])
    dit = fraction(100 * enfants[premiere] / total, "enfant")
    if dit:
        dit = dit.replace("enfant", "tout-petit")
        # Ces enfants sont estimés d'après les naissances.
        dit = dit if dit.startswith("Plus") else f"Environ {dit[:1].lower()}{dit[1:]}"
        return f"{dit} à {premiere}".replace("à Le ", "au ").replace("à Les ", "aux ")
    return f"Les tout-petits se répartissent entre {nombre(len(enfants))} communes"
