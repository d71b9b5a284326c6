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
from cafdiag.restitution.enjeux_regles import ABSOLU, REGLES, Cote, Regle
from cafdiag.restitution.formats import MOINS, date_de, decimales_de, ecrire, majuscule, nombre
from cafdiag.restitution.lecture import MesuresLues, accord

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
        cote.question,
        cote.contredit,
        round(poids, 3),
        cote.atout,
    )


def _cote(regle: Regle, ecart: _Ecart) -> Cote:
    cote = regle.haut if ecart.sens > 0 else regle.bas
    assert cote is not None
    return cote


def _ecarts(lecture: MesuresLues, regle: Regle) -> list[_Ecart]:
    """Écarts distincts : à la constante de la règle, au département et à la France, ou à défaut aux médianes."""
    code = regle.code
    if not lecture.connu(code):
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
    """« contre 10,4 % pour la médiane des 20 intercommunalités du département », faute d'autre référence."""
    dits, unite = [], str(lecture.ligne(code)["unite"])
    for ecart in ecarts:
        place = lecture.position(code, ecart.role) if ecart.role in _GROUPES else None
        if place is None:
            continue
        groupe = nom_du_groupe(lecture, ecart.role)
        dits.append(f"{ecrire(place['mediane'], unite)} pour la médiane des {int(place['nombre'])} {groupe}")
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
