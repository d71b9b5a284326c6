"""Les phrases du rapport : des règles, un chiffre et sa comparaison par phrase, aucun superlatif."""

from __future__ import annotations

from dataclasses import dataclass

from cafdiag.restitution.accords import accorder, elider, ordinal
from cafdiag.restitution.formats import majuscule, nombre
from cafdiag.restitution.lecture import Lecture, accord
from cafdiag.territoires import Territoire

PHRASES_EN_BREF = 6
PRESQUE_TOUS = 99.5
_CLES = ("CTX_POP", "PE_TXCOUV_GLOBAL", "PS_COUV_POP", "EJ_ALSH_PART_COM_EQUIP")


@dataclass(frozen=True)
class Rang:
    """Place d'un territoire parmi ceux de son département, du taux le plus élevé au plus bas."""

    rang: int
    nombre: int


def en_bref(territoire: Territoire, lecture: Lecture, *, nom: str, rang: Rang | None = None) -> list[str]:
    """Six phrases au plus, dans un ordre fixe ; celles dont le chiffre manque ne sont pas écrites."""
    candidates = (
        population(territoire, lecture, nom),
        couverture(lecture),
        modes(lecture),
        naissances(lecture),
        alsh(lecture),
        quartiers(territoire, lecture),
        place(rang),
        caf(lecture),
        centre_du_quartier(territoire, lecture),
    )
    dites = [p for p in candidates if p][:PHRASES_EN_BREF]
    # Presque tout se publie à la commune : un quartier dit d'abord ce qu'il a, puis ce qui lui manque.
    return [*dites, manque(lecture, nom)] if not dites or territoire.maille == "qpv" else dites


def manque(lecture: Lecture, nom: str) -> str:
    """La seule phrase de « En bref » quand aucun de ses chiffres n'est connu : elle dit pourquoi."""
    lignes = [lecture.ligne(code) for code in _CLES]
    motifs = dict.fromkeys((li.get("motif") or "") for li in lignes if li)
    raisons = " ; ".join(m for m in motifs if m)
    debut = (
        f"{nom} : ni population, ni taux de couverture, ni accueil de loisirs, ni part couverte par la Caf"
    )
    return f"{debut} ne sont connus ici{f' ({raisons})' if raisons else ''}."


def repond(lecture: Lecture) -> bool:
    """Vrai si une des données d'où sortent les enjeux est connue."""
    return any(lecture.connu(code) for code in SOURCES_DES_ENJEUX)


def population(territoire: Territoire, lecture: Lecture, nom: str) -> str:
    """Population, communes, évolution."""
    if not lecture.connu("CTX_POP"):
        return ""
    habitants = nombre(lecture.valeur("CTX_POP"), decimales=0)
    hors = lecture.hors_mayotte("CTX_POP")
    comptees = [c for c in territoire.communes if not (hors and c.startswith("976"))]
    communes = f" dans {accord(len(comptees), 'commune')}" if len(comptees) > 1 else ""
    annee = lecture.annee("CTX_POP")
    phrase = f"{nom}{hors} : {habitants} habitants{f' en {annee}' if annee else ''}{communes}"
    if lecture.connu("CTX_POP_EVOL"):
        phrase += f", {lecture.texte('CTX_POP_EVOL', signe=True)}{depuis(lecture)}"
        if lecture.comparable("CTX_POP_EVOL", "france") and territoire.maille != "france":
            phrase += f" ({lecture.france('CTX_POP_EVOL')} : {lecture.texte('CTX_POP_EVOL', 'france', signe=True)})"
    return phrase + "."


def depuis(lecture: Lecture) -> str:
    """« depuis 2020 », ou « de 2020 à 2023 » si la population montrée est d'une autre année."""
    annees = lecture.annees_dites("CTX_POP_EVOL")
    if len(annees) < 2:
        return ""
    if annees[-1] == lecture.annee("CTX_POP"):
        return f" depuis {annees[0]}"
    return f" de {annees[0]} à {annees[-1]}"


def periodes(lecture: Lecture) -> tuple[str, str]:
    """Les deux périodes de l'évolution des naissances, l'ancienne puis la récente ; vides si inconnues."""
    annees = lecture.annees_dites("PE_NAISS_EVOL")
    if len(annees) != 4:
        return "", ""
    return f"{annees[0]}-{annees[1]}", f"{annees[2]}-{annees[3]}"


def _places(lecture: Lecture, code: str) -> str:
    """« 1,7 place », « 79,9 places », « environ 46,5 places »."""
    return f"{lecture.dit(code)} {accorder(lecture.valeur(code), 'places')}"


def couverture(lecture: Lecture) -> str:
    """Taux de couverture global, situé par rapport au département et à la France."""
    if not lecture.connu("PE_TXCOUV_GLOBAL"):
        return ""
    annee = lecture.annee("PE_TXCOUV_GLOBAL")
    quand = f"Fin {annee}, l'" if annee else "L'"
    phrase = elider(
        f"{quand}offre d'accueil est de {_places(lecture, 'PE_TXCOUV_GLOBAL')} pour 100 enfants de moins de 3 ans"
        f"{lecture.entre('PE_TXCOUV_GLOBAL')}{lecture.hors_mayotte('PE_TXCOUV_GLOBAL')}"
    )
    situations = [s for s in (lecture.situer("PE_TXCOUV_GLOBAL", r) for r in ("departement", "france")) if s]
    return phrase + (f" : {' ; '.join(situations)}" if situations else "") + "."


def modes(lecture: Lecture) -> str:
    """Mode dominant, et place de l'accueil collectif."""
    dominant = lecture.ligne("PE_MODE_DOMINANT")
    if not lecture.connu("PE_MODE_DOMINANT") or not lecture.connu("PE_TXCOUV_EAJE"):
        return ""
    collectif, entre = _places(lecture, "PE_TXCOUV_EAJE"), lecture.entre("PE_TXCOUV_EAJE")
    contre = lecture.contre("PE_TXCOUV_EAJE")
    # Des taux estimés désignent un premier mode, sans l'assurer.
    est, sont = ("serait", "seraient") if lecture.estime("PE_MODE_DOMINANT") else ("est", "sont")
    if "collectif" in dominant["modalite"]:
        phrase = f"L'accueil collectif (EAJE) {est} le premier mode : {collectif} pour 100 enfants{entre}"
        return phrase + (f", {contre}." if contre else ".")
    pluriel = (
        f"Les assistants maternels {sont}"
        if "assistants" in dominant["modalite"]
        else (f"La {dominant['modalite']} {est}")
    )
    # PSU et hors PSU sont deux modes : ensemble, ils peuvent dépasser le premier.
    ensemble_devant = lecture.valeur("PE_TXCOUV_EAJE") >= lecture.valeur("PE_MODE_DOMINANT")
    a_part = " (EAJE à PSU et hors PSU comptés à part)" if ensemble_devant else ""
    phrase = (
        f"{pluriel} le premier mode d'accueil{a_part} ; l'accueil collectif (EAJE) offre {collectif} pour 100 "
        f"enfants{entre}"
    )
    return phrase + (f", {contre}." if contre else ".")


def naissances(lecture: Lecture) -> str:
    """Évolution des naissances sur trois ans glissants."""
    if not lecture.connu("PE_NAISS_EVOL"):
        return ""
    ligne, evolution = lecture.ligne("PE_NAISS_EVOL"), lecture.valeur("PE_NAISS_EVOL")
    sens = "stables" if abs(evolution) < 1 else ("en hausse" if evolution > 0 else "en baisse")
    avant, apres = (f" de {p.replace('-', ' à ')}" if p else "" for p in periodes(lecture))
    phrase = (
        f"Les naissances sont {sens} : {nombre(ligne['numerateur'], decimales=0)}{apres}, après "
        f"{nombre(ligne['denominateur'], decimales=0)}{avant} "
        f"({lecture.texte('PE_NAISS_EVOL', signe=True)}"
    )
    if lecture.comparable("PE_NAISS_EVOL", "departement"):
        lieu = lecture.noms["departement"].removeprefix("le ")
        phrase += f" ; {lieu} : {lecture.texte('PE_NAISS_EVOL', 'departement', signe=True)}"
    return phrase + ")."


def alsh(lecture: Lecture) -> str:
    """Enfants vivant dans une commune avec un accueil de loisirs."""
    code = "EJ_ALSH_PART_COM_EQUIP"
    if not lecture.connu(code):
        return ""
    contre = lecture.contre(code)
    return (
        f"{majuscule(part_des_enfants(lecture, code))} de 3 à 11 ans vivent dans une commune dotée d'un accueil "
        "de loisirs (ALSH)"
        f"{', ' + contre if contre else ''}."
    )


def part_des_enfants(lecture: Lecture, code: str) -> str:
    """« environ 95,6 % des enfants », « presque tous les enfants », « tous les enfants »."""
    valeur = lecture.valeur(code)
    # Cent pour cent n'est pas une estimation : toutes les communes habitées par des enfants sont équipées.
    if round(valeur, 6) >= 100:
        return "tous les enfants"
    return "presque tous les enfants" if valeur > PRESQUE_TOUS else f"{lecture.dit(code)} des enfants"


def quartiers(territoire: Territoire, lecture: Lecture) -> str:
    """Quartiers prioritaires et ruralité : la géographie prioritaire en une phrase."""
    parties = []
    if lecture.connu("CTX_QPV_NB") and territoire.maille != "qpv":
        n = lecture.valeur("CTX_QPV_NB")
        parties.append(
            "aucun quartier prioritaire (QPV)"
            if n == 0
            else f"{nombre(n, decimales=0)} quartier{'s' if n > 1 else ''} "
            f"prioritaire{'s' if n > 1 else ''} (QPV)"
        )
    if lecture.connu("CTX_COM_FRR"):
        n, total = lecture.valeur("CTX_COM_FRR"), len(territoire.communes)
        zone = "zone France ruralités revitalisation (FRR)"
        if total == 1:
            parties.append(f"{'en' if n else 'hors'} {zone}")
        else:
            parties.append(f"{accord(n, 'commune') if n else 'aucune commune'} sur {total} en {zone}")
    return majuscule(" ; ".join(parties)) + "." if parties else ""


def quartiers_couverts(lecture: Lecture) -> str:
    """Part des quartiers couverts ; sans leurs contours, on ne sait dire que celle de leurs communes."""
    part = lecture.texte("AVS_QPV_COUV")
    if lecture.ligne("AVS_QPV_COUV").get("maille_source") == "commune":
        return f"{part} des quartiers sont dans une commune qui a un centre social"
    return f"{part} des quartiers sont couverts par un centre social"


def centre_du_quartier(territoire: Territoire, lecture: Lecture) -> str:
    """Pour un quartier seul : couvert par un centre social, ou non."""
    if territoire.maille != "qpv" or not lecture.connu("AVS_QPV_COUV"):
        return ""
    motif = lecture.ligne("AVS_QPV_COUV").get("motif")
    verbe = (
        "Un centre social connu couvre"
        if lecture.valeur("AVS_QPV_COUV") > 0
        else "Aucun centre social ne couvre"
    )
    return f"{verbe} ce quartier{f' ({motif})' if motif else ''}."


def place(rang: Rang | None) -> str:
    """Rang du taux de couverture parmi les EPCI du département."""
    if rang is None or rang.nombre < 3:
        return ""
    return (
        f"Son taux de couverture est le {ordinal(rang.rang)} sur {rang.nombre} parmi les EPCI du département, du plus "
        "élevé au plus bas."
    )


def caf(lecture: Lecture) -> str:
    """Population couverte par la Caf."""
    if not lecture.connu("PS_COUV_POP"):
        return ""
    contre = lecture.contre("PS_COUV_POP")
    annee = lecture.annee("PS_COUV_POP")
    fin = f" en décembre {annee}" if annee else ""
    return (
        f"La Caf couvre {lecture.texte('PS_COUV_POP')} de la population{fin}"
        f"{', ' + contre if contre else ''}, régime agricole (MSA) non compris."
    )


@dataclass(frozen=True)
class Enjeu:
    """Un constat chiffré à mettre au débat, et sa distance à la référence (pour l'ordre)."""

    titre: str
    constat: str
    question: str
    poids: float


SOURCES_DES_ENJEUX = (
    "PE_TXCOUV_GLOBAL",
    "PE_TXCOUV_EAJE",
    "PE_PART_INDIV",
    "PE_NAISS_EVOL",
    "EJ_ALSH_PART_COM_EQUIP",
    "AVS_QPV_COUV",
)


# En deçà, un écart ne fait pas un enjeu : pour cent de la France, part, pour cent, points du département.
_COLLECTIF, _INDIVIDUEL, _NAISSANCES, _ALSH = 15, 70, 5, 3
REGLE_DES_ENJEUX = (
    f"Une règle choisit ces constats : une offre d'accueil sous celle de la France (de {_COLLECTIF} % au moins pour "
    f"l'accueil collectif), plus de {_INDIVIDUEL} % d'accueil individuel, {_NAISSANCES} % de naissances en moins, un "
    f"accès aux accueils de loisirs de {_ALSH} points sous celui du département, un quartier prioritaire sans centre "
    "social. Le plus grand écart, en proportion, vient d'abord. Les autres thèmes ne sont pas examinés : plus haut n'y "
    "veut dire ni mieux ni moins bien. Ce n'est pas un jugement : les priorités se décident ensemble."
)


def _en(lecture: Lecture, code: str) -> str:
    annee = lecture.annee(code)
    return f" ({annee})" if annee else ""


def enjeux(lecture: Lecture) -> list[Enjeu]:
    """Enjeux à débattre, du plus éloigné de sa référence au plus proche. Une règle, pas un jugement."""
    trouves = [
        e
        for e in (
            _enjeu_couverture(lecture),
            _enjeu_collectif(lecture),
            _enjeu_individuel(lecture),
            _enjeu_naissances(lecture),
            _enjeu_alsh(lecture),
            _enjeu_qpv(lecture),
        )
        if e
    ]
    return sorted(trouves, key=lambda e: -e.poids)


def _enjeu_couverture(lecture: Lecture) -> Enjeu | None:
    ecart = lecture.ecart("PE_TXCOUV_GLOBAL", "france")
    if ecart is None or ecart >= 0:
        return None
    return Enjeu(
        "Une offre d'accueil sous la moyenne de la France",
        f"{majuscule(_places(lecture, 'PE_TXCOUV_GLOBAL'))} pour 100 enfants, "
        f"{lecture.contre('PE_TXCOUV_GLOBAL')}{_en(lecture, 'PE_TXCOUV_GLOBAL')}.",
        "Quels besoins ne trouvent pas de réponse, où, et pour quels horaires ?",
        -ecart / lecture.valeur("PE_TXCOUV_GLOBAL", "france"),
    )


def _enjeu_collectif(lecture: Lecture) -> Enjeu | None:
    ecart = lecture.ecart("PE_TXCOUV_EAJE", "france")
    if ecart is None or ecart >= 0 or -ecart / lecture.valeur("PE_TXCOUV_EAJE", "france") < _COLLECTIF / 100:
        return None
    ici = lecture.valeur("PE_TXCOUV_EAJE")
    constat = (
        f"{majuscule(_places(lecture, 'PE_TXCOUV_EAJE'))} d'accueil collectif pour 100 enfants, "
        f"{lecture.contre('PE_TXCOUV_EAJE')}{_en(lecture, 'PE_TXCOUV_EAJE')}."
    )
    if ici == 0:
        constat = (
            f"Aucune place d'accueil collectif publiée{_en(lecture, 'PE_TXCOUV_EAJE')}, "
            f"{lecture.contre('PE_TXCOUV_EAJE')}."
        )
    return Enjeu(
        "La place de l'accueil collectif",
        constat,
        "L'accueil individuel répond-il à toutes les familles, dont les horaires atypiques, le handicap "
        "et l'insertion ?",
        -ecart / lecture.valeur("PE_TXCOUV_EAJE", "france"),
    )


def _enjeu_individuel(lecture: Lecture) -> Enjeu | None:
    part = lecture.ligne("PE_PART_INDIV")
    if not lecture.connu("PE_PART_INDIV") or not part["bas"] > _INDIVIDUEL:
        return None
    contre = lecture.contre("PE_PART_INDIV", roles=("france",))
    return Enjeu(
        "Une offre qui repose sur les assistants maternels",
        f"{lecture.texte('PE_PART_INDIV')} de l'offre est individuelle"
        f"{f', {contre}' if contre else ''}{_en(lecture, 'PE_PART_INDIV')}.",
        "Combien de départs en retraite dans les cinq ans, et comment les compenser ?",
        (part["valeur"] - _INDIVIDUEL) / _INDIVIDUEL,
    )


def _enjeu_naissances(lecture: Lecture) -> Enjeu | None:
    if not lecture.connu("PE_NAISS_EVOL") or lecture.valeur("PE_NAISS_EVOL") > -_NAISSANCES:
        return None
    evolution = lecture.texte("PE_NAISS_EVOL", signe=True)
    avant, apres = periodes(lecture)
    contre = lecture.contre("PE_NAISS_EVOL")
    return Enjeu(
        "Moins de naissances",
        f"{evolution}{f' entre {avant} et {apres}' if avant else ''}{f', {contre}' if contre else ''}.",
        "Que deviennent les places, les écoles et les accueils de loisirs dans cinq ans ?",
        -lecture.valeur("PE_NAISS_EVOL") / 100,
    )


def _enjeu_alsh(lecture: Lecture) -> Enjeu | None:
    ecart = lecture.ecart("EJ_ALSH_PART_COM_EQUIP", "departement")
    if ecart is None or ecart > -_ALSH:
        return None
    return Enjeu(
        "L'accès aux accueils de loisirs",
        f"{lecture.texte('EJ_ALSH_PART_COM_EQUIP')} des enfants de 3 à 11 ans vivent dans une commune "
        f"équipée, {lecture.contre('EJ_ALSH_PART_COM_EQUIP', roles=('departement',))}.",
        "Quels transports, quels tarifs, quels temps (mercredi, vacances) pour les communes sans accueil ?",
        -ecart / 100,
    )


def _enjeu_qpv(lecture: Lecture) -> Enjeu | None:
    if not lecture.connu("AVS_QPV_COUV") or lecture.valeur("AVS_QPV_COUV") >= 100:
        return None
    if lecture.ligne("AVS_QPV_COUV").get("maille") == "qpv":
        return Enjeu(
            "Un quartier prioritaire sans centre social",
            "Aucun centre social connu ne couvre ce quartier.",
            "Quelle présence de l'animation de la vie sociale dans le quartier ?",
            1.0,
        )
    return Enjeu(
        "Des quartiers prioritaires sans centre social",
        f"{quartiers_couverts(lecture)}.",
        "Quelle présence de l'animation de la vie sociale dans les quartiers non couverts ?",
        1 - lecture.valeur("AVS_QPV_COUV") / 100,
    )
