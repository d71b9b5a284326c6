@echo off
rem Un double-clic ouvre l'explorateur de cafdiag dans le navigateur.
cd /d "%~dp0"
set "PYTHONUTF8=1"
chcp 65001 >nul
py -3 --version >nul 2>nul
if errorlevel 1 goto sans_lanceur
py -3 lancer.py explorer %*
goto fin
:sans_lanceur
python lancer.py explorer %*
:fin
if errorlevel 1 pause
