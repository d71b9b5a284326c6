"""Des tableaux HTML que chacun peut lire : légende, en-têtes, nombres alignés, statuts expliqués.

Une cellule vide n'existe pas : un manquant est « n.d. », « s » ou « s.o. », et son motif est écrit sous
le tableau, pour le papier et pour qui n'a pas de souris.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.restitution.echappement import est_vide, html_sur
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


# Au-delà, un tableau imprimé peut se couper d'une page à l'autre (ses en-têtes se répètent).
LIGNES_D_UNE_PAGE = 24
SUJET_AU_PLUS = 60


@dataclass(frozen=True)
class Tableau:
    """Un tableau prêt à insérer : `html`, et son `titre`. S'affiche dans un carnet."""

    titre: str
    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __str__(self) -> str:
        return self.html


def _colonnes_requises(mesures: pd.DataFrame, noms: Sequence[str]) -> None:
    absentes = [nom for nom in noms if nom not in mesures]
    if absentes:
        raise DemandeFausse(
            f"colonnes absentes des mesures : {', '.join(absentes)}",
            conseil="donnez le résultat de cafdiag.mesurer",
        )


def cellule(ligne: Mapping[str, Any], *, decimales: int | None = None) -> str:
    """Le contenu HTML d'une cellule de mesure : valeur, symbole de statut, intervalle.

    Examples
    --------
    >>> cellule({"valeur": 79.9, "unite": "%", "statut": "exact"})
    '79,9'
    >>> cellule({"valeur": None, "statut": "secret", "motif": ""})
    '<abbr class="nd" title="secret statistique">s</abbr>'
    """
    etat = statut(ligne["statut"])
    modalite = ligne.get("modalite")
    if etat.chiffre and est_vide(ligne.get("valeur")) and est_vide(modalite):
        etat = statut("non_disponible")
    if not etat.chiffre:
        motif = "" if est_vide(ligne.get("motif")) else f" : {ligne['motif']}"
        # Ce qui n'est qu'encadré se dit « au moins » : ni une valeur, ni un silence.
        dite = dire_bornes(ligne, decimales_de(ligne.get("unite")) if decimales is None else decimales)
        if dite:
            return f'<abbr class="nd" title="{html_sur(etat.libelle + motif)}">{html_sur(dite)}</abbr>'
        return f'<abbr class="nd" title="{html_sur(etat.libelle + motif)}">{etat.symbole}</abbr>'
    if not est_vide(modalite):
        texte = f'<span class="modalite">{html_sur(modalite)}</span>'
    else:
        places = decimales_de(ligne.get("unite")) if decimales is None else decimales
        signe = ligne.get("unite") == "points" or str(ligne.get("indicateur", "")).endswith("_EVOL")
        texte = nombre(ligne["valeur"], decimales=places, signe=signe, unite=ligne.get("unite"))
        if sur_place(ligne):
            texte = "sur place"
        if etat.symbole:
            texte += f' <abbr class="statut" title="{html_sur(etat.libelle)}">{etat.symbole}</abbr>'
        bornes = intervalle(
            ligne.get("bas"), ligne.get("haut"), decimales=places, unite=ligne.get("unite")
        )
        if bornes and len(set(bornes.split(" à "))) > 1:
            texte += f' <small class="intervalle">({bornes})</small>'
        return texte
    if etat.symbole:
        texte += f' <abbr class="statut" title="{html_sur(etat.libelle)}">{etat.symbole}</abbr>'
    return texte


def _legende(statuts: Sequence[str], motifs: Sequence[str], intervalles: bool) -> str:
    dits = [f"<b>{s.symbole}</b> : {s.libelle}" for cle, s in STATUTS.items() if cle in statuts and s.symbole]
    if intervalles:
        dits.append("entre parenthèses : l'intervalle où se trouve la valeur")
    texte = f'<p class="legende-tableau">{" ; ".join(dits)}.</p>' if dits else ""
    if motifs:
        texte += '<ul class="motifs">' + "".join(f"<li>{html_sur(m)}</li>" for m in motifs) + "</ul>"
    return texte


def _phrase(texte: str) -> str:
    return texte if texte.endswith((".", "!", "?")) else texte + "."


def _bloc(titre: str, tete: str, corps: str, pied: str, *, precision: str = "") -> Tableau:
    titre = ponctuer(titre)
    petit = f"<small>{html_sur(ponctuer(precision))}</small>" if precision else ""
    long = " long" if corps.count("<tr") > LIGNES_D_UNE_PAGE else ""
    # Une zone qui défile doit être atteignable au clavier et nommée (WCAG 2.1.1).
    return Tableau(
        titre,
        (
            f'<div class="tableau{long}"><div class="tableau-defilant" tabindex="0" role="group" '
            f'aria-label="{html_sur(titre)}">'
            f"<table><caption>{html_sur(titre)}{petit}</caption><thead>{tete}</thead><tbody>{corps}</tbody></table></div>"
            f"{pied}</div>"
        ),
    )


def depliant(titre: str, lignes: Sequence[tuple[str, str]], *, colonnes: tuple[str, str]) -> str:
    """Des précisions à déplier, en tableau : de quoi il s'agit, ce qu'il faut en savoir ; vide s'il n'y en a pas.

    Examples
    --------
    >>> rendu = depliant("Limites", [("Population", "Municipale.")], colonnes=("Chiffre", "Limite"))
    >>> '<th scope="row">Population</th><td>Municipale.</td>' in rendu
    True
    """
    if not lignes:
        return ""
    tete = "<tr>" + "".join(f'<th scope="col">{html_sur(c)}</th>' for c in colonnes) + "</tr>"
    corps = "".join(
        f'<tr><th scope="row">{html_sur(ponctuer(sujet))}</th><td>{html_sur(ponctuer(dit))}</td></tr>'
        for sujet, dit in lignes
    )
    rendu = _bloc(titre, tete, corps, "")
    return f'<details class="note-limite precisions"><summary>{html_sur(ponctuer(titre))}</summary>{rendu}</details>'


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
) -> Tableau:
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

    def entete(axe: str, cle: str) -> str:
        modele = premier[axe][cle]
        if axe == "territoire":
            return html_sur((noms or {}).get(cle, modele["nom"]))
        dates = dict.fromkeys(date_de(m) for m in enregistrements if m["indicateur"] == cle and date_de(m))
        details = (
            [str(modele["unite"])] if not est_vide(modele["unite"]) and modele["unite"] != "mode" else []
        )
        details += list(dates)[:1] if len(dates) == 1 or axe == lignes else []
        libelle = html_sur(ponctuer((noms or {}).get(cle, modele["libelle"])))
        return libelle + (f"<small>{html_sur(ponctuer(', '.join(details)))}</small>" if details else "")

    def autre_date(rang: str, colonne: str) -> str:
        """La date d'une case, quand elle n'est pas celle que dit l'en-tête de son indicateur."""
        case = cases.get((rang, colonne))
        if case is None or est_vide(case.get("valeur")):
            return ""
        siennes = [date_de(m) for m in enregistrements if m["indicateur"] == case["indicateur"] and date_de(m)]
        return f" <small>({html_sur(date_de(case))})</small>" if date_de(case) not in siennes[:1] else ""

    def classe(*codes: str, autres: str = "") -> str:
        toutes = " ".join(c for c in (autres, "territoire" if surligner in codes else "") if c)
        return f' class="{toutes}"' if toutes else ""

    entetes = "".join(
        f'<th scope="col"{classe(c, autres="nombre")}>{entete(colonnes, c)}</th>' for c in cles[colonnes]
    )
    tete = f'<tr><td class="coin"></td>{entetes}</tr>'
    corps = []
    absente = {"valeur": None, "statut": "non_disponible", "motif": "aucune mesure"}
    for rang in cles[lignes]:
        contenu = "".join(
            f"<td{classe(rang, c, autres='nombre')}>{cellule(cases.get((rang, c), absente))}{autre_date(rang, c)}</td>"
            for c in cles[colonnes]
        )
        corps.append(f'<tr><th scope="row"{classe(rang)}>{entete(lignes, rang)}</th>{contenu}</tr>')
    presents = list(dict.fromkeys(str(m["statut"]) for m in enregistrements))
    raisons = dict.fromkeys(
        _phrase(f"{(noms or {}).get(m['indicateur'], m['libelle'])} : {m['motif']}")
        for m in enregistrements
        if motifs and not statut(m["statut"]).chiffre and not est_vide(m.get("motif"))
    )
    rendu = "".join(corps)
    pied = _legende(presents, list(raisons), 'class="intervalle"' in rendu)
    if sources and "source" in mesures:
        dites = _sources([m for m in enregistrements if not est_vide(m.get("source"))])
        if dites:
            mot = "Sources" if len(dites) > 1 else "Source"
            pied += f'<p class="source">{mot} : {html_sur(" ; ".join(dites))}.</p>'
    return _bloc(titre, tete, rendu, pied, precision=precision)


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
) -> Tableau:
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

    def contenu(colonne: str, valeur: Any) -> str:
        nonlocal manque
        if est_vide(valeur):
            manque = True
            return '<abbr class="nd" title="non disponible">n.d.</abbr>'
        if isinstance(valeur, bool) or (hasattr(valeur, "dtype") and valeur.dtype == bool):
            return "oui" if valeur else "non"
        if not chiffrees[colonne]:
            return html_sur(ponctuer(str(valeur)))
        places = (decimales or {}).get(colonne)
        if places is None:
            places = decimales_de(unites[colonne]) if unites and colonne in unites else None
        if places is None and pd.api.types.is_float_dtype(donnees[colonne]):
            places = 0 if (donnees[colonne].dropna() % 1 == 0).all() else 1
        return nombre(valeur, decimales=places, unite=(unites or {}).get(colonne))

    def droite(colonne: str) -> str:
        return ' class="nombre"' if chiffrees[colonne] else ""

    def entete(colonne: str) -> str:
        unite = (unites or {}).get(colonne, "")
        return html_sur((colonnes or {}).get(colonne, colonne)) + (
            f"<small>{html_sur(ponctuer(unite))}</small>" if unite else ""
        )

    tete = "<tr>" + "".join(f'<th scope="col"{droite(c)}>{entete(c)}</th>' for c in donnees.columns) + "</tr>"
    corps = []
    premiere, *autres = donnees.columns
    for rang, ligne in enumerate(donnees.to_dict("records")):
        marque = ' class="territoire"' if rang == surligner else ""
        cases = "".join(f"<td{droite(c)}>{contenu(c, ligne[c])}</td>" for c in autres)
        corps.append(f'<tr{marque}><th scope="row">{contenu(premiere, ligne[premiere])}</th>{cases}</tr>')
    pied = _legende(["non_disponible"], [], False) if manque else ""
    if source:
        dite = source if re.match(r"sources?\s*:", source, re.IGNORECASE) else f"Source : {source}"
        pied += f'<p class="source">{html_sur(_phrase(dite))}</p>'
    return _bloc(titre, tete, "".join(corps), pied, precision=precision)
