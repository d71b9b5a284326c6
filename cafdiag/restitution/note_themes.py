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
from cafdiag.restitution import couleurs, graphiques, graphiques_rang, titres
from cafdiag.restitution.accords import elider
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import situe
from cafdiag.restitution.document import Figure
from cafdiag.restitution.enjeux import nom_du_groupe, tant_du_groupe
from cafdiag.restitution.evolution import de_bout_en_bout, fait_une_serie
from cafdiag.restitution.formats import ecrire, enumeration, intervalle, majuscule, nom_court, nombre
from cafdiag.restitution.horizon import epreuve_en_bref
from cafdiag.restitution.lecture import MesuresLues, accord
from cafdiag.restitution.note_mots import PRESQUE_TOUS, duree, fraction, quand
from cafdiag.restitution.note_notes import Notes, sans_mayotte
from cafdiag.restitution.themes import epci_du_departement
from cafdiag.restitution.titres import GLOBAL, MODES

NAISSANCES, ALSH, COUVERTS = "PE_NAISS_EVOL", "EJ_ALSH_PART_COM_EQUIP", "PS_COUV_POP"
ROLES = ("territoire", "departement", "region", "france")
_SUJETS = {
    "petite-enfance": "les places d'accueil des tout-petits",
    "portrait": "la population et les revenus",
    "enfance-jeunesse": "les places et les horaires des accueils de loisirs",
    "animation-vie-sociale": "les lieux d'animation sociale",
    "parentalite": "le soutien aux parents",
    "logement": "les difficultés de logement",
    "handicap-insertion": "l'accueil des enfants handicapés",
}
# Un thème dont seuls les effectifs d'enfants sont connus ne dit rien de ce qu'on y cherche.
_ATTENDUS = {"petite-enfance": GLOBAL, "portrait": "CTX_POP", "enfance-jeunesse": "EJ_ALSH_PLACES_311"}
# Au-delà, un classement ne se lit plus.
_CLASSES_AU_PLUS = 14
_A_RECENSER = " Les centres sociaux qui y agissent restent à recenser."
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
        self.phrases_au_plus = max(1, min(3, (9 - len(dits)) // 2))
        self.phrases: list[dict[str, Any]] = []
        self.figures: list[dict[str, str]] = []

    def dire(self, code: str, phrase: str, *, ligne: dict[str, Any] | None = None, precision: str = "") -> None:
        """Ajoute une phrase sur un indicateur, avec la note de sa source, tant qu'il y a de la place.

        ``ligne`` : la mesure que la note date, si ce n'est pas tout à fait la sienne ; ``precision`` : sa suite.
        """
        if len(self.phrases) == self.phrases_au_plus:
            return
        france = self.lecture.ligne(code, "france") if " en France" in phrase else None
        renvoi = self.notes.renvoi(ligne or self.lecture.ligne(code), france=france, suite=precision)
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
    rendus = ((f(_Theme(donnees, dits, notes, sans_place)), f) for f in _THEMES)
    return [r | {"sujet": f.__name__[1:]} for r, f in rendus if r]


def _offre(theme: _Theme) -> dict[str, Any] | None:
    lecture, donnees = theme.lecture, theme.donnees
    if not lecture.connu(GLOBAL):
        return None
    _etablissements(theme)
    if theme.sans_place and len(theme.phrases) < theme.phrases_au_plus:
        renvoi = theme.notes.renvoi(theme.sans_place["ligne"])
        theme.phrases.append({"texte": theme.sans_place["phrase"], "notes": [renvoi]})
    if theme.inedit("PE_BESOIN_CIBLE") and lecture.valeur("PE_BESOIN_CIBLE") > 0:
        besoin = f"{lecture.dit('PE_BESOIN_CIBLE')} places de plus{lecture.entre('PE_BESOIN_CIBLE')}"
        theme.dire("PE_BESOIN_CIBLE", f"Rejoindre le taux de la France demanderait {besoin}.")
    date = quand(lecture.ligne(GLOBAL))
    modes = lecture.mesures[lecture.mesures["indicateur"].isin([GLOBAL, *MODES])]
    dessin = graphiques.barres_empilees(
        modes[modes["role"].isin(["territoire", "departement", "france"])],
        territoire=donnees.territoire.code,
        titre=titres.de_l_offre(lecture),
        noms={donnees.territoire.code: nom_court(donnees.nom)},
        modes={c: (nom, couleurs.MODES[c][1]) for c, (_, nom) in MODES.items()},
    )
    theme.dessiner(dessin, titres.des_modes(lecture), f"Places pour 100 enfants de moins de 3 ans, {date}")
    _classement(theme, date)
    return theme.rendre(titres.de_l_offre(lecture))


def _etablissements(theme: _Theme) -> None:
    lecture = theme.lecture
    if not (lecture.connu("PE_NB_EAJE") and lecture.connu("PE_NB_MICRO")):
        return
    creches = accord(lecture.valeur("PE_NB_EAJE"), "crèche ou multi-accueil", "crèches ou multi-accueils")
    micro = accord(lecture.valeur("PE_NB_MICRO"), "micro-crèche")
    if lecture.valeur("PE_NB_EAJE") + lecture.valeur("PE_NB_MICRO"):
        theme.dire("PE_NB_EAJE", f"Le territoire compte {creches} et {micro} en {lecture.annee('PE_NB_EAJE')}.")
    else:
        theme.dire("PE_NB_EAJE", f"Ni crèche ni micro-crèche n'y était recensée en {lecture.annee('PE_NB_EAJE')}.")


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
    titre = titres.du_classement(voisins)
    dessin = graphiques_rang.points_classes(
        voisins,
        territoire=donnees.territoire.code,
        titre=titre,
        noms={c: nom_court(n) for c, n in zip(voisins["territoire"], voisins["nom"], strict=True)},
        decimales=1,
        reference=None if france != france else france,
    )
    theme.dessiner(dessin, titre, f"Places pour 100 enfants, du taux le plus élevé au plus bas, {date}")


def _naissances(theme: _Theme) -> dict[str, Any] | None:
    lecture, donnees = theme.lecture, theme.donnees
    serie = donnees.naissances
    # Une dernière année pas encore publiée ici n'apprend rien à un élu.
    connues = serie.loc[serie["valeur"].notna(), ["annee", "valeur"]] if fait_une_serie(serie) else serie.iloc[:0]
    if theme.inedit("PE_NAISS"):
        ligne = lecture.ligne("PE_NAISS")
        phrase = f"{accord(ligne['valeur'], 'naissance')} en {lecture.annee('PE_NAISS')}"
        if len(connues) and connues["annee"].iloc[-1] > ligne["annee"]:
            # Ce que la France n'a pas encore publié se dit, sans se comparer.
            annee, suite = int(connues["annee"].iloc[-1]), nombre(connues["valeur"].iloc[-1], decimales=0)
            phrase += f", {suite} en {annee}"
            ligne = {**ligne, "millesime": f"{ligne['millesime']} et {annee}"}
        theme.dire("PE_NAISS", f"{phrase}.", ligne=ligne)
    if theme.inedit("PE_ENF_M3") and donnees.territoire.maille != "commune":
        quand, combien = lecture.annee("PE_ENF_M3"), lecture.dit("PE_ENF_M3")
        theme.dire("PE_ENF_M3", f"Fin {quand}, {combien} enfants avaient moins de 3 ans.")
        if theme.inedit("PE_ENF_M3_5ANS"):
            bornes = lecture.ligne("PE_ENF_M3_5ANS")
            entre = intervalle(bornes["bas"], bornes["haut"], decimales=0).replace(" à ", " et ")
            # L'intervalle d'une seule hypothèse, éprouvé sur le passé : à 80 %.
            dite = f", et huit fois sur dix entre {entre}" if entre else ""
            alors = f"Fin {bornes['annee']:.0f}, ils seraient {lecture.dit('PE_ENF_M3_5ANS')}"
            eprouve = epreuve_en_bref(epreuve_horizon(), "enfants") if entre else ""
            theme.dire("PE_ENF_M3_5ANS", f"{alors}{dite}.", precision=eprouve)
    if len(connues):
        premiere, derniere = (int(connues["annee"].iloc[i]) for i in (0, -1))
        debut, fin = (float(connues["valeur"].iloc[i]) for i in (0, -1))
        serie = de_bout_en_bout(serie)
        titre = f"{accord(debut, 'naissance')} en {premiere}, {nombre(fin, decimales=0)} en {derniere}"
        dessin = graphiques_rang.serie(serie, territoire=donnees.territoire.code, titre=titre, decimales=0)
        theme.dessiner(dessin, titre, "Enfants de mères habitant le territoire")
    if not lecture.connu(NAISSANCES):
        return theme.rendre("Les naissances")
    evolution, ecart = lecture.valeur(NAISSANCES), lecture.ecart(NAISSANCES, "france")
    # Le dessin remonte plus loin : s'il va ailleurs, le titre dit depuis quand.
    stable, depuis = lecture.stable(NAISSANCES), ""
    if len(connues) and (periode := re.match(r"[\d-]+", str(lecture.ligne(NAISSANCES)["millesime"]))):
        au_long = 100 * (fin / debut - 1)
        ailleurs = abs(au_long) >= titres.SENSIBLE if stable else au_long * evolution < 0
        depuis = f" depuis {periode[0]}" if ailleurs else ""
    if stable:
        recul = ecart is not None and lecture.valeur(NAISSANCES, "france") < -1
        suite = ", alors qu'elles reculent en France" if recul else ""
        return theme.rendre(f"Les naissances se maintiennent{depuis}{suite}")
    if evolution > 0:
        return theme.rendre(f"Les naissances augmentent{depuis}")
    vite = "" if ecart is None else ", moins vite qu'en France" if ecart > 0 else ", plus vite qu'en France"
    return theme.rendre(f"Les naissances reculent{depuis}{vite}")


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
    if lecture.stable(code):
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
    restent = "" if lecture.connu("AVS_QPV_COUV") or lecture.bornes("AVS_QPV_COUV") else _A_RECENSER
    date = millesime("qpv.liste")
    theme.dire("CTX_QPV_NB", f"L'État y a délimité {compte} de la politique de la ville en {date}.{restent}")
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
        compte = f"compte {espaces}" if lecture.valeur("AD_FS_NB") else "n'a aucun espace France services"
        theme.dire("AD_FS_NB", f"Le territoire {compte} en {lecture.annee('AD_FS_NB')}.")
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


def barres(donnees: Donnees, code: str) -> list[dict[str, Any]]:
    """Le territoire, puis ce à quoi il se compare à la même date ; à défaut, la médiane d'un groupe."""
    lecture, signe = donnees.lecture, code.endswith("_EVOL")
    roles = [r for r in ROLES if (lecture.connu(code) if r == "territoire" else lecture.comparable(code, r))]
    dites = [
        {
            "nom": (nom := donnees.nom if r == "territoire" else str(lecture.ligne(code, r)["nom"])),
            "court": nom_court(nom),
            "role": r,
            "valeur": lecture.valeur(code, r),
            "ecrit": ("environ " if lecture.estime(code, r) else "") + lecture.texte(code, r, signe=signe),
        }
        for r in roles
    ]
    if len(dites) == 1:
        unite = str(lecture.ligne(code)["unite"])
        dites += [
            {
                "nom": f"Médiane de {tant_du_groupe(lecture, code, g)}",
                "court": _mediane(nom_du_groupe(lecture, g)),
                "role": "region",
                "valeur": float(place["mediane"]),
                "ecrit": ecrire(place["mediane"], unite, signe=signe),
            }
            for g in ("proches", "comparables")
            if (place := lecture.position(code, g))
        ]
    return dites


_THEMES: tuple[Callable[[_Theme], dict[str, Any] | None], ...] = (
    _offre,
    _naissances,
    _population,
    _enfance,
    _vie_sociale,
    _droits,
    _caf,
)
def _mediane(groupe: str) -> str:
    """Comment nommer une médiane devant une barre.

    >>> _mediane("intercommunalités du département"), _mediane("intercommunalités comparables")
    ('Médiane du département', 'Médiane des comparables')
    """
    ou = re.search(r"(?:du département|de la région|comparables)", groupe)
    return f"Médiane {ou[0].replace('comparables', 'des comparables')}" if ou else "Médiane alentour"


def inconnu(lecture: MesuresLues) -> list[str]:
    """Ce que la note ne dit pas : les sujets sans chiffre, et ce que vaut une place."""
    themes_des_codes = dictionnaire()["theme"]
    connus = {theme for code, theme in themes_des_codes.items() if lecture.connu(_ATTENDUS.get(theme, code))}
    manquent = [dit for theme, dit in _SUJETS.items() if theme not in connus]
    phrases = [f"Aucun chiffre n'est encore réuni sur {enumeration(manquent)}."] if manquent else []
    if lecture.connu(GLOBAL):
        phrases.append("Une place comptée peut être vacante ou partagée, et servir à un enfant d'ailleurs.")
    return [*phrases, "La parole des familles, des professionnels et des associations complète ces chiffres."]
