"""Les phrases du rapport : des règles, un chiffre et sa comparaison par phrase, aucun superlatif."""

from __future__ import annotations

from dataclasses import dataclass

from cafdiag.restitution.accords import accorder, elider, ordinal
from cafdiag.restitution.formats import majuscule, nombre
from cafdiag.restitution.lecture import MesuresLues, accord
from cafdiag.territoires import Territoire

PHRASES_EN_BREF = 6
PRESQUE_TOUS = 99.5
_CLES = ("CTX_POP", "PE_TXCOUV_GLOBAL", "PS_COUV_POP", "EJ_ALSH_PART_COM_EQUIP")


@dataclass(frozen=True)
class Rang:
    """Place d'un territoire parmi ceux de son département, du taux le plus élevé au plus bas."""

    rang: int
    nombre: int


def en_bref(territoire: Territoire, lecture: MesuresLues, *, nom: str, rang: Rang | None = None) -> list[str]:
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


def manque(lecture: MesuresLues, nom: str) -> str:
    """La seule phrase de « En bref » quand aucun de ses chiffres n'est connu : elle dit pourquoi."""
    lignes = [lecture.ligne(code) for code in _CLES]
    motifs = dict.fromkeys((li.get("motif") or "") for li in lignes if li)
    raisons = " ; ".join(m for m in motifs if m)
    debut = (
        f"{nom} : ni population, ni taux de couverture, ni accueil de loisirs, ni part couverte par la Caf"
    )
    return f"{debut} ne sont connus ici{f' ({raisons})' if raisons else ''}."


def population(territoire: Territoire, lecture: MesuresLues, nom: str) -> str:
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


def depuis(lecture: MesuresLues) -> str:
    """« depuis 2020 », ou « de 2020 à 2023 » si la population montrée est d'une autre année."""
    annees = lecture.annees_dites("CTX_POP_EVOL")
    if len(annees) < 2:
        return ""
    if annees[-1] == lecture.annee("CTX_POP"):
        return f" depuis {annees[0]}"
    return f" de {annees[0]} à {annees[-1]}"


def periodes(lecture: MesuresLues) -> tuple[str, str]:
    """Les deux périodes de l'évolution des naissances, l'ancienne puis la récente ; vides si inconnues."""
    annees = lecture.annees_dites("PE_NAISS_EVOL")
    if len(annees) != 4:
        return "", ""
    return f"{annees[0]}-{annees[1]}", f"{annees[2]}-{annees[3]}"


def _places(lecture: MesuresLues, code: str) -> str:
    """« 1,7 place », « 79,9 places », « environ 46,5 places »."""
    return f"{lecture.dit(code)} {accorder(lecture.valeur(code), 'places')}"


def couverture(lecture: MesuresLues) -> str:
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


def modes(lecture: MesuresLues) -> str:
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


def naissances(lecture: MesuresLues) -> str:
    """Évolution des naissances sur trois ans glissants."""
    if not lecture.connu("PE_NAISS_EVOL"):
        return ""
    ligne, evolution = lecture.ligne("PE_NAISS_EVOL"), lecture.valeur("PE_NAISS_EVOL")
    sens = "stables" if lecture.stable("PE_NAISS_EVOL") else ("en hausse" if evolution > 0 else "en baisse")
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


def enfants_recenses(lecture: MesuresLues) -> str:
    """Les enfants de moins de 3 ans que compte le recensement, et ce que les naissances en donnent à la même date."""
    code = "PE_ENF_M3_RP"
    if not lecture.connu(code):
        return ""
    ligne, combien = lecture.ligne(code), accord(lecture.valeur(code), "enfant")
    ecart = f" ; {ligne['motif']}" if ligne["motif"] else ""
    return f"Le recensement compte {combien} de moins de 3 ans ({ligne['millesime']}){ecart}."


def alsh(lecture: MesuresLues) -> str:
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


def part_des_enfants(lecture: MesuresLues, code: str) -> str:
    """« environ 95,6 % des enfants », « presque tous les enfants », « tous les enfants »."""
    valeur = lecture.valeur(code)
    # Cent pour cent n'est pas une estimation : toutes les communes habitées par des enfants sont équipées.
    if round(valeur, 6) >= 100:
        return "tous les enfants"
    return "presque tous les enfants" if valeur > PRESQUE_TOUS else f"{lecture.dit(code)} des enfants"


def quartiers(territoire: Territoire, lecture: MesuresLues) -> str:
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


def quartiers_couverts(lecture: MesuresLues) -> str:
    """Part des quartiers couverts ; sans leurs contours, on ne sait dire que celle de leurs communes."""
    part = lecture.texte("AVS_QPV_COUV")
    if lecture.ligne("AVS_QPV_COUV").get("maille_source") == "commune":
        return f"{part} des quartiers sont dans une commune qui a un centre social"
    return f"{part} des quartiers sont couverts par un centre social"


def centre_du_quartier(territoire: Territoire, lecture: MesuresLues) -> str:
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


def caf(lecture: MesuresLues) -> str:
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
