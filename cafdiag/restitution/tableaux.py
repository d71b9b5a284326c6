"""Des tableaux que chacun peut lire : légende, en-têtes, nombres alignés, statuts expliqués.

Une cellule vide n'existe pas : un manquant est « n.d. », « s » ou « s.o. », et son motif est écrit sous
le tableau, pour le papier et pour qui n'a pas de souris.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.restitution.document import (
    Bout,
    Bouts,
    Case,
    Encadre,
    Liste,
    Paragraphe,
    Suite,
    Table,
    liste,
    mots,
    paragraphe,
)
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import (
    STATUTS,
    date_de,
    decimales_de,
    intervalle,
    nombre,
    ponctuer,
    statut,
)
from cafdiag.restitution.lecture import sur_place

if TYPE_CHECKING:
    import pandas as pd


SUJET_AU_PLUS = 60


def _colonnes_requises(mesures: pd.DataFrame, noms: Sequence[str]) -> None:
    absentes = [nom for nom in noms if nom not in mesures]
    if absentes:
        raise DemandeFausse(
            f"colonnes absentes des mesures : {', '.join(absentes)}",
            conseil="donnez le résultat de cafdiag.mesurer",
        )


def cellule(ligne: Mapping[str, Any], *, decimales: int | None = None) -> Bouts:
    """Le contenu d'une cellule de mesure : valeur, symbole de statut, intervalle.

    Examples
    --------
    >>> cellule({"valeur": 79.9, "unite": "%", "statut": "exact"})[0].texte
    '79,9'
    >>> dite = cellule({"valeur": None, "statut": "secret", "motif": ""})[0]
    >>> dite.texte, dite.dit
    ('s', 'secret statistique')
    """
    etat = statut(ligne["statut"])
    modalite = ligne.get("modalite")
    if etat.chiffre and est_vide(ligne.get("valeur")) and est_vide(modalite):
        etat = statut("non_disponible")
    places = decimales_de(ligne.get("unite")) if decimales is None else decimales
    if not etat.chiffre:
        motif = "" if est_vide(ligne.get("motif")) else f" : {ligne['motif']}"
        # Ce qui n'est qu'encadré se dit « au moins » : ni une valeur, ni un silence.
        return (Bout(dire_bornes(ligne, places) or etat.symbole, role="nd", dit=etat.libelle + motif),)
    signe = (Bout(" "), Bout(etat.symbole, role="statut", dit=etat.libelle)) if etat.symbole else ()
    if not est_vide(modalite):
        return (Bout(str(modalite), role="modalite"), *signe)
    signee = ligne.get("unite") == "points" or str(ligne.get("indicateur", "")).endswith("_EVOL")
    texte = nombre(ligne["valeur"], decimales=places, signe=signee, unite=ligne.get("unite"))
    bornes = intervalle(ligne.get("bas"), ligne.get("haut"), decimales=places, unite=ligne.get("unite"))
    entre = len(set(bornes.split(" à "))) > 1
    return (
        Bout("sur place" if sur_place(ligne) else texte),
        *signe,
        *((Bout(" "), Bout(f"({bornes})", petit=True, role="intervalle")) if entre else ()),
    )


def _notes(statuts: Sequence[str], motifs: Sequence[str], *, intervalles: bool) -> tuple[Paragraphe | Liste, ...]:
    """Ce que veulent dire les symboles d'un tableau, et pourquoi des chiffres y manquent."""
    dits = [
        (Bout(s.symbole, gras=True), *mots(f" : {s.libelle}"))
        for cle, s in STATUTS.items()
        if cle in statuts and s.symbole
    ]
    if intervalles:
        dits.append(mots("entre parenthèses : l'intervalle où se trouve la valeur"))
    suite = [bout for rang, dit in enumerate(dits) for bout in (*(mots(" ; ") if rang else ()), *dit)]
    legende = (Paragraphe((*suite, Bout(".")), "legende"),) if suite else ()
    return (*legende, *_de_notes(liste(motifs, allure="motifs")))


def _de_notes(suite: Suite) -> tuple[Paragraphe | Liste, ...]:
    return tuple(e for e in suite if isinstance(e, Paragraphe | Liste))


def _phrase(texte: str) -> str:
    return texte if texte.endswith((".", "!", "?")) else texte + "."


def depliant(titre: str, lignes: Sequence[tuple[str, str]], *, colonnes: tuple[str, str]) -> Suite:
    """Des précisions à déplier, en tableau : de quoi il s'agit, ce qu'il faut en savoir ; rien s'il n'y en a pas.

    Examples
    --------
    >>> (rendu,) = depliant("Limites", [("Population", "Municipale.")], colonnes=("Chiffre", "Limite"))
    >>> rendu.elements[0].corps[0][1].bouts[0].texte
    'Municipale.'
    """
    if not lignes:
        return ()
    tete = tuple(Case(mots(c), entete=True) for c in colonnes)
    corps = tuple((Case(mots(sujet), entete=True), Case(mots(dit))) for sujet, dit in lignes)
    return (Encadre("precisions", (Table(ponctuer(titre), "", (tete,), corps),), resume=titre),)


def en_deux_colonnes(phrases: Sequence[str], *, sinon: str) -> list[tuple[str, str]]:
    """Des phrases « sujet : ce qu'on en dit » en lignes d'un :func:`depliant` ; sans sujet court, c'est `sinon`.

    >>> en_deux_colonnes(["Enfants : 12 à 15", "La taille ne change pas"], sinon="Hypothèse")
    [('Enfants', '12 à 15'), ('Hypothèse', 'La taille ne change pas')]
    """
    lignes = []
    for phrase in phrases:
        sujet, deux_points, dit = phrase.partition(" : ")
        court = deux_points and len(sujet) <= SUJET_AU_PLUS
        lignes.append((sujet, dit) if court else (sinon, phrase))
    return lignes


def tableau_mesures(
    mesures: pd.DataFrame,
    *,
    titre: str,
    lignes: str = "indicateur",
    precision: str = "",
    surligner: str | None = None,
    noms: Mapping[str, str] | None = None,
    sources: bool = True,
    motifs: bool = True,
) -> Table:
    """Croise indicateurs et territoires.

    Parameters
    ----------
    mesures : DataFrame
        Mesures, une au plus par territoire et indicateur ; l'ordre d'apparition est gardé.
    lignes : {"indicateur", "territoire"}
        Ce qui est en ligne ; l'autre est en colonne.
    surligner : str, optional
        Code du territoire mis en avant.
    noms : mapping, optional
        Noms à écrire pour certains codes (territoire ou indicateur).
    sources, motifs : bool
        Écrit les sources et les raisons des absences sous le tableau.

    Raises
    ------
    DemandeFausse
        Colonnes manquantes ; plusieurs mesures (années) pour une même case.
    """
    _colonnes_requises(mesures, ["territoire", "nom", "indicateur", "libelle", "valeur", "unite", "statut"])
    if lignes not in ("indicateur", "territoire"):
        raise DemandeFausse(f"lignes « {lignes} »", attendu="indicateur ou territoire")
    if mesures.duplicated(["territoire", "indicateur"]).any():
        raise DemandeFausse(
            "plusieurs mesures pour une même case",
            attendu="une année par indicateur",
            conseil="filtrez les mesures sur une année",
        )
    colonnes = "territoire" if lignes == "indicateur" else "indicateur"
    enregistrements = mesures.to_dict("records")
    cases = {(m[lignes], m[colonnes]): m for m in enregistrements}
    cles = {axe: list(dict.fromkeys(m[axe] for m in enregistrements)) for axe in (lignes, colonnes)}
    premier = {
        axe: {c: next(m for m in enregistrements if m[axe] == c) for c in cles[axe]}
        for axe in (lignes, colonnes)
    }

    def entete(axe: str, cle: str) -> Bouts:
        modele = premier[axe][cle]
        if axe == "territoire":
            return (Bout((noms or {}).get(cle, modele["nom"])),)
        dates = dict.fromkeys(date_de(m) for m in enregistrements if m["indicateur"] == cle and date_de(m))
        details = [str(modele["unite"])] if not est_vide(modele["unite"]) and modele["unite"] != "mode" else []
        details += list(dates)[:1] if len(dates) == 1 or axe == lignes else []
        petit = mots(", ".join(details), petit=True) if details else ()
        return (*mots((noms or {}).get(cle, modele["libelle"])), *petit)

    def autre_date(rang: str, colonne: str) -> Bouts:
        """La date d'une case, quand elle n'est pas celle que dit l'en-tête de son indicateur."""
        case = cases.get((rang, colonne))
        if case is None or est_vide(case.get("valeur")):
            return ()
        siennes = [date_de(m) for m in enregistrements if m["indicateur"] == case["indicateur"] and date_de(m)]
        date = date_de(case)
        return (Bout(" "), Bout(f"({date})", petit=True)) if date not in siennes[:1] else ()

    tete = [Case(())] + [
        Case(entete(colonnes, c), entete=True, nombre=True, accent=surligner == c) for c in cles[colonnes]
    ]
    absente = {"valeur": None, "statut": "non_disponible", "motif": "aucune mesure"}
    corps = [
        (
            Case(entete(lignes, rang), entete=True, accent=surligner == rang),
            *(
                Case(
                    (*cellule(cases.get((rang, c), absente)), *autre_date(rang, c)),
                    nombre=True,
                    accent=surligner in (rang, c),
                )
                for c in cles[colonnes]
            ),
        )
        for rang in cles[lignes]
    ]
    # Ce qui n'est qu'encadré s'écrit « au moins », sans le symbole.
    ecrits = {b.texte for ligne in corps for case in ligne for b in case.bouts}
    presents = [s for s in dict.fromkeys(str(m["statut"]) for m in enregistrements) if statut(s).symbole in ecrits]
    raisons = dict.fromkeys(
        _phrase(f"{(noms or {}).get(m['indicateur'], m['libelle'])} : {m['motif']}")
        for m in enregistrements
        if motifs and not statut(m["statut"]).chiffre and not est_vide(m.get("motif"))
    )
    intervalles = any(b.role == "intervalle" for ligne in corps for case in ligne for b in case.bouts)
    pied = _notes(presents, list(raisons), intervalles=intervalles)
    if sources and "source" in mesures:
        dites = _sources([m for m in enregistrements if not est_vide(m.get("source"))])
        if dites:
            mot = "Sources" if len(dites) > 1 else "Source"
            pied += _source(f"{mot} : {' ; '.join(dites)}.")
    return Table(ponctuer(titre), ponctuer(precision), (tuple(tete),), tuple(corps), pied)


def _source(dite: str) -> tuple[Paragraphe | Liste, ...]:
    return _de_notes(paragraphe(dite, allure="source"))


def _sources(lignes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Les jeux de données d'un tableau, chacun une fois ; les millésimes d'un jeu employé seul le suivent.

    Examples
    --------
    >>> population, taux = "Insee, populations légales", "Cnaf, taux"
    >>> deux = [{"source": population, "millesime": a} for a in ("2020", "2023")]
    >>> _sources([*deux, {"source": f"{population} ; {taux}", "millesime": "population 2023"}])
    ['Insee, populations légales (2020, 2023)', 'Cnaf, taux']
    """
    jeux: dict[str, list[str]] = {}
    for ligne in lignes:
        parties = str(ligne["source"]).rstrip(".").split(" ; ")
        for jeu in parties:
            dits = jeux.setdefault(jeu, [])
            millesime = ligne.get("millesime")
            if len(parties) == 1 and not est_vide(millesime) and str(millesime) not in (*dits, jeu):
                dits.append(str(millesime))
    seuls = {jeu: [m for m in dits if m not in jeu] for jeu, dits in jeux.items()}
    return [f"{jeu} ({', '.join(dits)})" if dits else jeu for jeu, dits in seuls.items()]


def tableau(
    donnees: pd.DataFrame,
    *,
    titre: str,
    precision: str = "",
    colonnes: Mapping[str, str] | None = None,
    unites: Mapping[str, str] | None = None,
    decimales: Mapping[str, int] | None = None,
    source: str = "",
    surligner: int | None = None,
) -> Table:
    """Met en forme un tableau simple ; la première colonne est l'en-tête des lignes.

    Parameters
    ----------
    donnees : DataFrame
        Nombres (alignés à droite, « n.d. » si vides) et textes.
    colonnes : mapping, optional
        ``{colonne: en-tête}`` : choisit, ordonne et nomme les colonnes ; toutes par défaut.
    unites, decimales : mapping, optional
        Par nom de colonne : unité écrite sous l'en-tête, nombre de décimales.
    surligner : int, optional
        Rang de la ligne mise en avant.
    """
    import pandas as pd

    if colonnes:
        absentes = [c for c in colonnes if c not in donnees]
        if absentes:
            raise DemandeFausse(
                f"colonnes absentes : {', '.join(absentes)}", attendu=", ".join(map(str, donnees.columns))
            )
        donnees = donnees[list(colonnes)]
    if not len(donnees.columns):
        raise DemandeFausse("un tableau sans colonne")
    chiffrees = {
        c: pd.api.types.is_numeric_dtype(donnees[c]) and not pd.api.types.is_bool_dtype(donnees[c])
        for c in donnees.columns
    }
    manque = False

    def contenu(colonne: str, valeur: Any) -> Bouts:
        nonlocal manque
        if est_vide(valeur):
            manque = True
            return (Bout("n.d.", role="nd", dit="non disponible"),)
        if isinstance(valeur, bool) or (hasattr(valeur, "dtype") and valeur.dtype == bool):
            return (Bout("oui" if valeur else "non"),)
        if not chiffrees[colonne]:
            return mots(str(valeur))
        places = (decimales or {}).get(colonne)
        if places is None:
            places = decimales_de(unites[colonne]) if unites and colonne in unites else None
        if places is None and pd.api.types.is_float_dtype(donnees[colonne]):
            places = 0 if (donnees[colonne].dropna() % 1 == 0).all() else 1
        return (Bout(nombre(valeur, decimales=places, unite=(unites or {}).get(colonne))),)

    def entete(colonne: str) -> Case:
        unite = (unites or {}).get(colonne, "")
        petit = mots(unite, petit=True) if unite else ()
        return Case((Bout((colonnes or {}).get(colonne, colonne)), *petit), entete=True, nombre=chiffrees[colonne])

    premiere, *autres = donnees.columns
    corps = []
    for rang, ligne in enumerate(donnees.to_dict("records")):
        accent = rang == surligner
        cases = (Case(contenu(c, ligne[c]), nombre=chiffrees[c], accent=accent) for c in autres)
        corps.append((Case(contenu(premiere, ligne[premiere]), entete=True, accent=accent), *cases))
    pied = _notes(["non_disponible"], [], intervalles=False) if manque else ()
    if source:
        dite = source if re.match(r"sources?\s*:", source, re.IGNORECASE) else f"Source : {source}"
        pied += _source(_phrase(dite))
    return Table(ponctuer(titre), ponctuer(precision), (tuple(map(entete, donnees.columns)),), tuple(corps), pied)
