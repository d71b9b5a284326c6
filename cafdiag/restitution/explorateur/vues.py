"""Ce que l'explorateur écrit : chiffre du territoire, comparaison, années, définition. Du HTML, sans widget."""

from __future__ import annotations

import pandas as pd

from cafdiag.indicateurs import dictionnaire
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.restitution import couleurs
from cafdiag.restitution.echappement import est_vide, html_sur
from cafdiag.restitution.explorateur.etat import REFERENCES
from cafdiag.restitution.fiches import source_dite
from cafdiag.restitution.formats import avec_unite, date_de, intervalle, majuscule, nombre, statut
from cafdiag.restitution.rendu_html import phrase_html

_TEINTES = {
    "territoire": couleurs.TERRITOIRE,
    "autre": "#a8540a",
    "comparables": "#5a7a5c",
    **couleurs.REFERENCES,
}


def chiffre(ligne: dict, *, decimales: int, nom: str) -> str:
    """Le chiffre du territoire, en grand, avec son année, son statut et sa source ; ou son absence motivée."""
    etat = statut(ligne["statut"])
    annee = f", {date_de(ligne)}" if date_de(ligne) else ""
    if etat.chiffre and not est_vide(ligne.get("valeur")):
        signe = ligne["unite"] == "points" or str(ligne["indicateur"]).endswith("_EVOL")
        grand = html_sur(nombre(ligne["valeur"], decimales=decimales, signe=signe, unite=ligne["unite"]))
        unite = html_sur(ligne["unite"])
        details = [etat.libelle] if etat.symbole else []
        bornes = intervalle(ligne.get("bas"), ligne.get("haut"), decimales=decimales, unite=ligne["unite"])
        if bornes and len(set(bornes.split(" à "))) > 1:
            details.append(f"entre {bornes.replace(' à ', ' et ')}")
        if not est_vide(ligne.get("modalite")):
            details.insert(0, str(ligne["modalite"]))
        if not est_vide(ligne.get("motif")):
            details.append(str(ligne["motif"]))
    else:
        dite = dire_bornes(ligne, decimales)
        grand, unite = html_sur(majuscule(dite or etat.libelle)), html_sur(ligne["unite"]) if dite else ""
        details = [] if est_vide(ligne.get("motif")) else [str(ligne["motif"])]
    suite = f'<p class="precision">{phrase_html(majuscule(" ; ".join(details)))}</p>' if details else ""
    muet = "" if etat.chiffre else " muet"
    return (
        f'<div class="chiffre{muet}"><h3>{html_sur(nom)}</h3>'
        f"<p>{phrase_html(str(ligne['libelle']) + annee)}</p>"
        f'<p class="grand">{grand} <span>{unite}</span></p>{suite}'
        f'<p class="source">{phrase_html(source_dite(ligne))}</p></div>'
    )


def comparaison(
    mesures: pd.DataFrame, *, decimales: int, deja_dit: str = "territoire", legende: str = "Comparaison"
) -> str:
    """Territoire, références et territoires choisis : un tableau dont chaque valeur a sa barre.

    Un manquant n'a pas de barre : son symbole, et son motif dessous ; celui du rôle ``deja_dit`` est dans la fiche.
    """
    lignes = mesures.to_dict("records")
    connues = [float(li["valeur"]) for li in lignes if not est_vide(li["valeur"])]
    bas, haut = min([0.0, *connues]), max([0.0, *connues])
    corps = "".join(_rangee(li, bas, haut, decimales, date_de(lignes[0])) for li in lignes)
    motifs = dict.fromkeys(
        f"{li['nom']} : {li['motif']}."
        for li in lignes
        if est_vide(li["valeur"]) and not est_vide(li["motif"]) and li["role"] != deja_dit
    )
    suite = "".join(f"<li>{phrase_html(m)}</li>" for m in motifs)
    unite = html_sur(lignes[0]["unite"])
    return (
        f'<div class="barres"><table><caption>{html_sur(legende)}<small>{unite}</small></caption>'
        '<thead class="cache"><tr><th scope="col">Territoire</th><th scope="col">Valeur</th></tr></thead>'
        f"<tbody>{corps}</tbody></table>" + (f'<ul class="motifs">{suite}</ul>' if suite else "") + "</div>"
    )


def rang(position: dict | None, *, decimales: int) -> str:
    """Où se place le territoire parmi ses comparables, en une phrase ; les ex æquo sont dits.

    Examples
    --------
    >>> ici = {"valeur": 9.6, "nombre": 10, "mediane": 12.6, "rang_haut": 8, "rang_bas": 8, "classes": 11}
    >>> rang(ici, decimales=1).replace("\\xa0", " ").replace("\\u202f", " ")
    '<p class="rang">Parmi ses comparables : 8e sur 11 ; médiane des 10 autres, 12,6.</p>'
    """
    if position is None or est_vide(position.get("mediane")):
        return ""
    mediane = nombre(position["mediane"], decimales=decimales)
    dite = f"médiane des {nombre(position['nombre'])} autres, {mediane}."
    if not est_vide(position.get("rang_haut")):
        haut, bas = (nombre(position[cle], decimales=0) for cle in ("rang_haut", "rang_bas"))
        place = "1er" if haut == "1" else f"{haut}e"
        if haut != bas:
            place = f"entre {place} et {bas}e, ex æquo compris"
        dite = f"{place} sur {nombre(position['classes'], decimales=0)} ; {dite}"
    return f'<p class="rang">{phrase_html(f"Parmi ses comparables : {dite}")}</p>'


def _rangee(ligne: dict, bas: float, haut: float, decimales: int, date: str) -> str:
    role = str(ligne["role"])
    natures = [REFERENCES[role]] if role in ("departement", "region") else []
    # Un territoire ajouté peut avoir une autre date que le premier, dont la fiche dit la sienne.
    if role == "autre" and date_de(ligne) != date and not (est_vide(ligne["valeur"]) and not dire_bornes(ligne, 1)):
        natures.append(date_de(ligne))
    nature = f"<small>{html_sur(', '.join(natures))}</small>" if any(natures) else ""
    etat = statut(ligne["statut"])
    if est_vide(ligne["valeur"]):
        libelle = html_sur(etat.libelle)
        su = html_sur(dire_bornes(ligne, decimales) or etat.symbole or "n.d.")
        dite, barre = f'<abbr title="{libelle}">{su}</abbr>', ""
    else:
        dite = html_sur(nombre(ligne["valeur"], decimales=decimales, unite=ligne["unite"]))
        if etat.symbole:
            dite += f' <abbr title="{html_sur(etat.libelle)}">{html_sur(etat.symbole)}</abbr>'
        barre = _barre(float(ligne["valeur"]), bas, haut, _TEINTES.get(role, couleurs.ENCRE_2))
    classe = ' class="territoire"' if role == "territoire" else ""
    return (
        f'<tr{classe}><th scope="row">{html_sur(ligne["nom"])}{nature}</th>'
        f'<td><div class="ligne"><div class="piste">{barre}</div><span>{dite}</span></div></td></tr>'
    )


def _barre(valeur: float, bas: float, haut: float, teinte: str) -> str:
    etendue = (haut - bas) or 1.0
    gauche = 100 * (min(valeur, 0.0) - bas) / etendue
    large = 100 * abs(valeur) / etendue
    return f'<i style="left:{gauche:.2f}%;width:{large:.2f}%;background:{teinte}"></i>'


def annees(serie: pd.DataFrame, *, decimales: int, nom: str) -> str:
    """Les valeurs du territoire, année par année."""
    lignes = serie.assign(
        role="territoire", nom=["n.d." if est_vide(a) else str(int(a)) for a in serie["annee"]]
    )
    if len(lignes) < 2:
        annee = lignes["nom"].iloc[0]
        connue = "aucune année" if annee == "n.d." else f"que pour une année : {annee}"
        return f'<p class="avis">{phrase_html(f"Cet indicateur n’est connu {connue}.")}</p>'
    return comparaison(lignes, decimales=decimales, deja_dit="", legende=f"{nom}, année par année")


def definition(code: str) -> str:
    """Définition dépliable d'un indicateur : formule, source, limites, repères."""
    ligne = dictionnaire().loc[code]
    points = {
        "Formule": ligne["formule"],
        "Unité": ligne["unite"],
        "Source": f"{ligne['source']}, {ligne['millesime']}",
        "Limites": ligne["limites"],
        "Repères": ligne["reperes"],
    }
    corps = "".join(
        f"<dt>{titre}</dt><dd>{phrase_html(majuscule(str(texte)))}</dd>"
        for titre, texte in points.items()
        if not est_vide(texte)
    )
    return (
        f'<details class="definition"><summary>Définition, source et limites</summary>'
        f"<dl>{corps}</dl></details>"
    )


def bulle(code: str) -> str:
    """La définition en une phrase, pour le survol."""
    ligne = dictionnaire().loc[code]
    limites = f" Limites : {ligne['limites']}" if not est_vide(ligne["limites"]) else ""
    return f"{ligne['libelle']} ({ligne['unite']}) = {ligne['formule']}.{limites}"


def zone(ligne: dict, *, decimales: int) -> str:
    """La zone choisie sur la carte, en une ligne."""
    if est_vide(ligne.get("valeur")):
        dite = statut(ligne["statut"]).libelle
    else:
        dite = avec_unite(ligne["valeur"], ligne["unite"], decimales=decimales)
    return f'<p class="zone">Choisi sur la carte : <strong>{html_sur(ligne["nom"])}</strong>, {html_sur(dite)}</p>'
