"""Les enjeux à débattre : une règle par sujet de la convention, un écart rapporté à son seuil, une question.

Un enjeu naît d'un écart plus grand que l'incertitude. Un chiffre manquant, un minorant, un intervalle qui contient la
référence n'en fondent aucun. Son poids est le nombre de fois que l'écart contient le seuil de sa règle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cafdiag.indicateurs import dictionnaire
from cafdiag.indicateurs.positions import se_distinguent
from cafdiag.restitution.accords import accorder, elider
from cafdiag.restitution.commentaires import commentaire, derniere_suite
from cafdiag.restitution.formats import MOINS, date_de, decimales_de, ecrire, majuscule, nombre
from cafdiag.restitution.lecture import MesuresLues, accord

# Le rôle d'un écart qui n'est pas pris à un autre territoire.
ABSOLU = "absolu"


@dataclass(frozen=True)
class Cote:
    """Ce que dit un écart d'un côté de sa référence ; ``{que}`` devient « qu'en France »."""

    titre: str
    question: str
    contredit: str
    atout: bool = False


@dataclass(frozen=True)
class Regle:
    """Une règle.

    Attributes
    ----------
    code : str
        Indicateur jugé.
    seuil : float
        Écart qui fait un enjeu à lui seul, dans l'unité de l'indicateur ; en pour cent de la référence si ``relatif``.
    phrase : str
        Le constat sans sa comparaison : ``{v}`` est la valeur, ``{places}`` son nom accordé, ``{s}``, ``{x}``,
        ``{ont}`` les accords qu'elle demande, ``{ou}`` la fin du libellé, ``{varie}`` « augmenté » ou
        « diminué », ``{t}`` le tout.
    bas, haut : Cote or None
        Sous la référence, au-dessus ; None : rien à demander de ce côté.
    reference : float or None
        Une constante (0 pour une évolution, 100 pour une couverture) ; sinon le département et la France.
    sur : str
        Indicateur qui compte le tout, quand la valeur est un compte.
    """

    code: str
    seuil: float
    phrase: str
    bas: Cote | None = None
    haut: Cote | None = None
    relatif: bool = False
    reference: float | None = None
    sur: str = ""


REGLES: tuple[Regle, ...] = (
    Regle(
        "PE_TXCOUV_GLOBAL",
        10,
        "{v} {places} d'accueil pour 100 enfants de moins de 3 ans",
        Cote(
            "Moins de places d'accueil des tout-petits {que}",
            "Quels besoins ne trouvent pas de réponse, dans quelles communes et à quels horaires ?",
            "Des places libres toute l'année, ou des familles qui trouvent sans attendre.",
        ),
        Cote(
            "Plus de places d'accueil des tout-petits {que}",
            "Comment garder cette offre si des professionnelles partent à la retraite ?",
            "Des familles qui renoncent, faute d'un horaire ou d'un prix qui leur convienne.",
            atout=True,
        ),
        relatif=True,
    ),
    Regle(
        "PE_TXCOUV_EAJE",
        15,
        "{v} {places} de crèche pour 100 enfants de moins de 3 ans",
        Cote(
            "Moins de places de crèche {que}",
            "L'accueil individuel répond-il à toutes les familles : horaires décalés, handicap, retour à l'emploi ?",
            "Des crèches voisines ouvertes aux familles d'ici, ou des assistantes maternelles libres à ces horaires.",
        ),
        Cote(
            "Plus de places de crèche {que}",
            "Ces places profitent-elles aux familles qui en ont le plus besoin ?",
            "Des places fermées faute de professionnels, ou occupées par des familles d'ailleurs.",
            atout=True,
        ),
        relatif=True,
    ),
    Regle(
        "PE_PART_INDIV",
        10,
        "{v} des places sont chez une assistante maternelle ou au domicile des parents",
        haut=Cote(
            "Une offre qui repose sur les assistantes maternelles",
            "Combien partiront à la retraite dans les cinq ans, et qui les remplacera ?",
            "Des agréments nouveaux plus nombreux que les départs.",
        ),
    ),
    Regle(
        "PE_NAISS_EVOL",
        5,
        "les naissances ont {varie} de {v}",
        Cote(
            "Moins de naissances",
            "Que deviendront les places, les écoles et les accueils de loisirs dans cinq ans ?",
            "L'arrivée de familles avec de jeunes enfants, que les naissances ne comptent pas.",
        ),
        Cote(
            "Plus de naissances",
            "Où et quand accueillir ces enfants ?",
            "Des familles qui s'en vont avant l'entrée à l'école.",
        ),
        reference=0,
    ),
    Regle(
        "CTX_POP_EVOL",
        2,
        "la population a {varie} de {v}",
        Cote(
            "Une population qui diminue",
            "Quels services garder, et où, pour rester à portée des familles ?",
            "Un recensement plus récent, ou des logements en chantier.",
        ),
        Cote(
            "Une population qui augmente",
            "Les services aux familles suivent-ils l'arrivée des habitants, commune par commune ?",
            "Une hausse due aux étudiants ou aux retraités plutôt qu'aux familles.",
        ),
        reference=0,
    ),
    Regle(
        "CTX_PART_0_19",
        10,
        "{v} des habitants ont moins de 20 ans",
        Cote(
            "Moins de jeunes {que}",
            "Comment attirer et garder de jeunes familles ?",
            "Des arrivées de familles que le recensement n'a pas encore comptées.",
        ),
        Cote(
            "Plus de jeunes {que}",
            "Que propose-t-on aux adolescents, et aux familles nombreuses ?",
            "Des élèves ou des étudiants de passage plutôt que des familles.",
        ),
        relatif=True,
    ),
    Regle(
        "CTX_TX_PAUVRETE",
        2,
        "{v} des habitants vivent sous le seuil de pauvreté",
        haut=Cote(
            "Plus de pauvreté {que}",
            "Quelles familles, dans quelles communes, et demandent-elles leurs droits ?",
            "Des revenus plus récents en hausse.",
        ),
    ),
    Regle(
        "PS_MONOPAR",
        10,
        "{v} des foyers allocataires sont des parents seuls",
        haut=Cote(
            "Plus de parents seuls {que}",
            "Qui les aide quand l'école est fermée, ou quand l'emploi demande des horaires décalés ?",
            "Une part gonflée par le petit nombre d'autres allocataires.",
        ),
        relatif=True,
    ),
    Regle(
        "EJ_ALSH_PART_COM_EQUIP",
        3,
        "{v} des enfants de 3 à 11 ans ont un accueil de loisirs dans leur commune",
        Cote(
            "Moins d'enfants ont un accueil de loisirs dans leur commune {que}",
            "Quels transports, quels tarifs, quels jours pour les communes sans accueil ?",
            "Un accueil tout proche, dans une commune voisine, où ces enfants ont leur place.",
        ),
        Cote(
            "Plus d'enfants ont un accueil de loisirs dans leur commune {que}",
            "Les jours, les tarifs et l'accueil des enfants handicapés conviennent-ils ?",
            "Des accueils fermés le mercredi ou l'été, ou complets.",
            atout=True,
        ),
    ),
    Regle(
        "JE_NEET",
        15,
        "{v} des 15 à 24 ans ne sont ni en emploi ni en formation",
        haut=Cote(
            "Plus de jeunes sans emploi ni formation {que}",
            "Vers qui se tournent-ils, et où les rencontrer ?",
            "Une part due aux emplois saisonniers ou aux départs en études.",
        ),
        relatif=True,
    ),
    Regle(
        "AVS_QPV_COUV",
        10,
        "{v} des quartiers prioritaires ont un centre social à portée",
        Cote(
            "Des quartiers prioritaires sans centre social",
            "Quelle présence auprès des habitants des quartiers qui n'en ont pas ?",
            "Un centre social plus éloigné qui y mène déjà des actions.",
        ),
        reference=100,
    ),
    Regle(
        "AVS_FRR_SANS",
        25,
        "{v} sur {t} en zone France ruralités revitalisation, sans centre social ni espace de vie sociale",
        haut=Cote(
            "Des communes rurales fragiles sans lieu d'animation sociale",
            "Quel lieu, fixe ou itinérant, pour que les habitants s'y retrouvent ?",
            "Une structure voisine qui y intervient, ou une association qui en tient lieu.",
        ),
        sur="CTX_COM_FRR",
    ),
    Regle(
        "PAR_RPE_COUV",
        5,
        "{v} des moins de 3 ans vivent dans une commune couverte par un relais petite enfance",
        Cote(
            "Moins de familles couvertes par un relais petite enfance {que}",
            "Qui informe les parents et accompagne les assistantes maternelles là où il n'y en a pas ?",
            "Un relais qui couvre déjà ces communes sans y avoir son siège.",
        ),
    ),
    Regle(
        "PAR_LAEP_1000",
        25,
        "{v} lieu{x} d'accueil enfants-parents pour 1 000 enfants de moins de 6 ans",
        Cote(
            "Moins de lieux d'accueil enfants-parents {que}",
            "Où les parents de jeunes enfants trouvent-ils écoute et rencontre ?",
            "Des permanences itinérantes, ou un lieu voisin ouvert aux familles d'ici.",
        ),
        relatif=True,
    ),
    Regle(
        "AD_FS_ACCES",
        3,
        "{v} des habitants sont {ou}",
        Cote(
            "Plus d'habitants loin d'une France services {que}",
            "Quelles permanences, quels bus, quelle aide à domicile pour ceux qui n'y vont pas ?",
            "Une mairie ou une permanence qui aide déjà aux démarches.",
        ),
    ),
    Regle(
        "AD_SANS_DIPLOME",
        15,
        "{v} des 15 ans et plus sortis de l'école n'ont aucun diplôme",
        haut=Cote(
            "Plus d'habitants sans diplôme {que}",
            "Qui les aide dans leurs démarches, surtout en ligne ?",
            "Une part due aux plus âgés, aidés par leurs proches.",
        ),
        relatif=True,
    ),
    Regle(
        "LOG_AL_PART",
        10,
        "{v} des foyers allocataires touchent une aide au logement",
        haut=Cote(
            "Plus de foyers aidés pour se loger {que}",
            "Qui peine à se loger : jeunes, parents seuls, familles nombreuses ?",
            "Une part due aux étudiants plutôt qu'aux familles.",
        ),
        relatif=True,
    ),
    Regle(
        "LOG_IMPAYES_1000",
        25,
        "{v} signalement{s} d'impayés de loyer pour 1 000 foyers aidés",
        haut=Cote(
            "Plus d'impayés de loyer {que}",
            "Qui repère ces ménages, et assez tôt ?",
            "Des bailleurs qui signalent plus vite qu'ailleurs.",
        ),
        relatif=True,
    ),
    Regle(
        "PS_RSA",
        10,
        "{v} des foyers allocataires ont le RSA",
        haut=Cote(
            "Plus de foyers au RSA {que}",
            "Quel accueil des enfants pour reprendre un emploi ou une formation ?",
            "Un relevé plus récent en baisse.",
        ),
        relatif=True,
    ),
    Regle(
        "HAN_AEEH_100",
        15,
        "{v} enfant{s} pour 100 jeunes de moins de 20 ans {ont} l'allocation d'éducation de l'enfant handicapé",
        haut=Cote(
            "Plus d'enfants handicapés {que}",
            "Sont-ils accueillis partout, dès la crèche et jusqu'aux loisirs ?",
            "Des droits mieux demandés qu'ailleurs, plutôt que plus de handicaps.",
        ),
        relatif=True,
    ),
)


MINIMUM, MAXIMUM, PAR_THEME = 3, 7, 2
# Ce qui va mieux qu'ailleurs compte moitié moins que ce qui va moins bien ; une tendance qui aggrave, un quart de plus.
PART_D_UN_ATOUT, PART_DE_LA_TENDANCE = 0.5, 1.25
_QUE = {"departement": "que dans {}", "france": "qu'en {}"}
_GROUPES = ("proches", "comparables")


@dataclass(frozen=True)
class Enjeu:
    """Un constat chiffré à mettre au débat.

    Attributes
    ----------
    code, theme : str
        Indicateur qui le fonde, et son thème.
    titre, constat, question, contredit : str
        Ce qu'il conclut ; son chiffre ; ce qu'on se demande ; ce qui le contredirait.
    poids : float
        Combien de fois l'écart contient le seuil de la règle.
    atout : bool
        Vrai si l'écart est à garder plutôt qu'à combler.
    """

    code: str
    theme: str
    titre: str
    constat: str
    question: str
    contredit: str
    poids: float
    atout: bool = False


@dataclass(frozen=True)
class _Ecart:
    """Un écart distinct : son sens, sa taille en seuils, à quoi (rôle ou groupe)."""

    sens: int
    poids: float
    role: str


def enjeux(lecture: MesuresLues) -> list[Enjeu]:
    """Les enjeux d'un territoire, du plus marqué au moins marqué : trois au moins si ses chiffres les fondent, sept au
    plus, deux par thème tant qu'il y en a trois.

    Parameters
    ----------
    lecture : MesuresLues
        Ses mesures et celles de ses références ; avec des séries, leur tendance pèse.

    Examples
    --------
    >>> from cafdiag.indicateurs import comparer
    >>> [e.titre for e in enjeux(MesuresLues(comparer("200048551", ["PE_TXCOUV_EAJE", "PE_PART_INDIV"])))]
    ["Moins de places de crèche que dans le département et qu'en France",
     'Une offre qui repose sur les assistantes maternelles']
    """
    candidats = sorted((e for e in (_juger(lecture, r) for r in REGLES) if e), key=lambda e: -e.poids)
    retenus: list[Enjeu] = []
    for enjeu in candidats:
        du_theme = sum(e.theme == enjeu.theme for e in retenus)
        if enjeu.poids >= 1 and not enjeu.atout and du_theme < PAR_THEME and len(retenus) < MAXIMUM:
            retenus.append(enjeu)
    # Trop peu d'écarts francs : les suivants, atouts compris, un thème encore tu d'abord.
    while len(retenus) < MINIMUM and (restent := [e for e in candidats if e not in retenus]):
        themes = {e.theme for e in retenus}
        retenus.append(max(restent, key=lambda e: (e.poids >= 1 and e.theme not in themes, e.poids)))
    return sorted(retenus, key=lambda e: (e.atout, -e.poids))


def _juger(lecture: MesuresLues, regle: Regle) -> Enjeu | None:
    """L'enjeu que cette règle fonde ; None si l'écart manque, tient dans l'incertitude, ou n'appelle rien."""
    ecarts = [e for e in _ecarts(lecture, regle) if (regle.haut if e.sens > 0 else regle.bas)]
    if not ecarts:
        return None
    # Un besoin envers une seule référence en est un, même si l'autre est dépassée.
    besoins = [e for e in ecarts if not _cote(regle, e).atout]
    retenus = besoins or ecarts
    meilleur = max(retenus, key=lambda e: e.poids)
    cote, siens = _cote(regle, meilleur), [e for e in retenus if e.sens == meilleur.sens]
    poids = meilleur.poids * (PART_D_UN_ATOUT if cote.atout else _aggravation(lecture, regle.code, meilleur.sens))
    return Enjeu(
        regle.code,
        dictionnaire().at[regle.code, "theme"],
        elider(cote.titre.format(que=_que(lecture, siens)).strip()),
        _constat(lecture, regle, siens),
        _en_ce_lieu(cote.question, lecture.ligne(regle.code)),
        cote.contredit,
        round(poids, 3),
        cote.atout,
    )


def _en_ce_lieu(question: str, ligne: dict) -> str:
    """Une commune n'a pas de communes : on y parle de ses quartiers."""
    if ligne.get("maille") != "commune":
        return question
    dite = question.replace("quelles communes", "quels quartiers")
    return dite.replace("commune par commune", "quartier par quartier")


def _cote(regle: Regle, ecart: _Ecart) -> Cote:
    cote = regle.haut if ecart.sens > 0 else regle.bas
    assert cote is not None
    return cote


def _ecarts(lecture: MesuresLues, regle: Regle) -> list[_Ecart]:
    """Écarts distincts : à la constante de la règle, au département et à la France, ou à défaut aux médianes."""
    code = regle.code
    if not lecture.connu(code) or lecture.stable(code):
        return []
    ligne, places = lecture.ligne(code), decimales_de(lecture.ligne(code)["unite"])
    if ligne.get("maille") == "commune" and ligne["unite"] == "%" and ligne["valeur"] in (0, 100):
        # Celle des habitants d'une seule commune est tout ou rien : ce n'est pas un écart.
        return []
    if regle.sur:
        # Tant de communes sur tant : un compte exact rapporté à un autre.
        total = lecture.valeur(regle.sur) if lecture.connu(regle.sur) else 0.0
        exact = ligne["statut"] == "exact" and total > 0 and ligne["valeur"] > 0
        return [_Ecart(1, 100 * ligne["valeur"] / total / regle.seuil, ABSOLU)] if exact else []
    if regle.reference is not None:
        constante = {"valeur": regle.reference, "bas": None, "haut": None, "statut": "exact"}
        ecart = round(float(ligne["valeur"]) - regle.reference, 6)
        distinct = se_distinguent(ligne, constante, places)
        return [_Ecart(1 if ecart > 0 else -1, abs(ecart) / regle.seuil, ABSOLU)] if distinct else []
    trouves = []
    references = [r for r in ("departement", "france") if lecture.comparable(code, r)]
    for role in references:
        if (vu := lecture.ecart(code, role)) is not None:
            trouves.append(_taille(regle, vu, lecture.valeur(code, role), role))
    if references:
        return trouves
    for groupe in _GROUPES:
        place = lecture.position(code, groupe)
        mediane = None if place is None else {"valeur": place["mediane"], "bas": None, "haut": None, "statut": "exact"}
        if mediane and se_distinguent(ligne, mediane, places):
            ecart = round(float(ligne["valeur"]) - float(mediane["valeur"]), 6)
            trouves.append(_taille(regle, ecart, mediane["valeur"], groupe))
    return trouves


def _taille(regle: Regle, ecart: float, reference: float, role: str) -> _Ecart:
    seuil = regle.seuil * abs(reference) / 100 if regle.relatif else regle.seuil
    return _Ecart(1 if ecart > 0 else -1, abs(ecart) / seuil if seuil else 1.0, role)


def _aggravation(lecture: MesuresLues, code: str, sens: int) -> float:
    """Plus d'un si la tendance va dans le sens de l'écart, moins d'un si elle le comble, un sans tendance sûre."""
    serie = lecture.series.get(code)
    suite = None if serie is None else derniere_suite(serie)
    if suite is None or len(suite) < 2 or not commentaire(lecture, code, limite=False).tendance:
        return 1.0
    va = float(suite["valeur"].iloc[-1]) - float(suite["valeur"].iloc[0])
    return PART_DE_LA_TENDANCE if va * sens > 0 else 1 / PART_DE_LA_TENDANCE


def _que(lecture: MesuresLues, ecarts: list[_Ecart]) -> str:
    """« que dans le département et qu'en France » : seulement ce à quoi l'écart est distinct."""
    dits = [
        _QUE[e.role].format("France" if e.role == "france" else lecture.noms["departement"])
        for e in ecarts
        if e.role in _QUE
    ]
    groupe = next((e.role for e in ecarts if e.role in _GROUPES), None)
    if groupe:
        # Au-delà de la médiane, on est au-delà de la moitié d'entre eux.
        dits.append(f"que dans la moitié des {nom_du_groupe(lecture, groupe)}")
    return " et ".join(dits)


def nom_du_groupe(lecture: MesuresLues, groupe: str) -> str:
    """« intercommunalités du département » : un groupe, sans sigle."""
    return lecture.groupes[groupe].libelle.replace("EPCI", "intercommunalités")


def tant_du_groupe(lecture: MesuresLues, code: str, groupe: str) -> str:
    """« 8 autres intercommunalités du département » : celles dont le chiffre est connu, le territoire à part."""
    place, semblables = lecture.position(code, groupe), lecture.groupes[groupe].maille == lecture.ligne(code)["maille"]
    autres = "autres " if groupe == "proches" and semblables else ""
    return f"{int(place['nombre']) if place else 0} {autres}{nom_du_groupe(lecture, groupe)}"


# Le pluriel commence à deux : « 1,9 enfant a ».
_SINGULIER, _PLURIEL = {"s": "", "x": "", "ont": "a"}, {"s": "s", "x": "x", "ont": "ont"}


def _constat(lecture: MesuresLues, regle: Regle, ecarts: list[_Ecart]) -> str:
    """Le chiffre, ses références, sa date, et sa tendance quand elle est sûre."""
    code, ligne = regle.code, lecture.ligne(regle.code)
    if regle.sur:
        dit = regle.phrase.format(v=accord(ligne["valeur"], "commune"), t=lecture.texte(regle.sur))
        return f"{dit} ({_date(ligne)})."
    evolution, valeur = code.endswith("_EVOL"), float(ligne["valeur"])
    v = lecture.dit(code).removeprefix(MOINS) if evolution else lecture.dit(code)
    dit = regle.phrase.format(
        v=v,
        places=accorder(valeur, "places"),
        **_PLURIEL if abs(valeur) >= 2 else _SINGULIER,
        ou=re.sub(r"^Part des \w+ ", "", str(ligne.get("libelle", ""))),
        varie="augmenté" if valeur > 0 else "diminué",
    )
    if dit.startswith("0,0 place"):
        dit = f"aucune place{dit.removeprefix('0,0 place')}"
    contre = lecture.contre(code) or _contre_medianes(lecture, code, ecarts)
    date = "" if evolution and "entre" in _entre(ligne) else f" ({_date(ligne)})" if _date(ligne) else ""
    tendance = commentaire(lecture, code, limite=False).tendance if code in lecture.series else ""
    entre = _entre(ligne) if evolution else lecture.entre(code) if lecture.estime(code) else ""
    phrase = f"{dit}{entre}{f', {contre}' if contre else ''}{date}."
    return majuscule(elider(phrase)) + (f" {tendance}" if tendance else "")


def _date(ligne: dict) -> str:
    """L'année, ou les dates de chaque terme ; « décembre 2023 » tel que le millésime le dit."""
    millesime = str(ligne.get("millesime") or "")
    return millesime if re.fullmatch(r"[a-zéû]+ \d{4}", millesime) else date_de(ligne)


def _entre(ligne: dict) -> str:
    """« entre 2018-2020 et 2022-2024 », précédé d'une espace, pour une évolution datée ainsi."""
    millesime = str(ligne.get("millesime") or "")
    return f" entre {millesime}" if re.fullmatch(r"[\d-]+ et [\d-]+", millesime) else ""


def _contre_medianes(lecture: MesuresLues, code: str, ecarts: list[_Ecart]) -> str:
    """« contre 10,4 % pour la médiane de 20 autres intercommunalités du département », faute d'autre référence."""
    dits, unite = [], str(lecture.ligne(code)["unite"])
    for ecart in ecarts:
        place = lecture.position(code, ecart.role) if ecart.role in _GROUPES else None
        if place is None:
            continue
        dits.append(f"{ecrire(place['mediane'], unite)} pour la médiane de {tant_du_groupe(lecture, code, ecart.role)}")
    return f"contre {' et '.join(dits)}" if dits else ""


def repond(lecture: MesuresLues) -> bool:
    """Vrai si une des données d'où sortent les enjeux est connue."""
    return any(lecture.connu(r.code) for r in REGLES)


def seuils() -> list[str]:
    """Le seuil de chaque règle, en clair : « Accueil collectif (EAJE) : 15 % de la référence »."""
    courts, dits = dictionnaire()["libelle_court"], []
    for r in REGLES:
        if r.sur:
            quoi = f"{nombre(r.seuil, decimales=0)} % de ces communes"
        elif r.reference is not None:
            unite = accorder(r.seuil, "points") if r.reference else "%"
            quoi = f"{nombre(r.seuil, decimales=0)} {unite}" + ("" if r.reference else " de variation")
        else:
            unite = "% de la référence" if r.relatif else accorder(r.seuil, "points")
            quoi = f"{nombre(r.seuil, decimales=0)} {unite}"
        dits.append(f"{courts[r.code]} : {quoi}")
    return dits
