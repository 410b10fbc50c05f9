# Completion of svc for bash. Install it as `svc` in the directory of bash's completions, or in ~/.bashrc:
#   source <(svc completions bash)
_svc() {
    local line=${COMP_LINE:0:COMP_POINT} word before='' breaks IFS=$' \t\n'
    local -a words found
    # bash splits words also at @ and :, which names of services may have; what was typed is split at blanks alone.
    read -ra words <<<"$line"
    if [[ $line == *[[:blank:]] ]]; then
        words+=('')
    fi
    word=${words[${#words[@]} - 1]}
    # Of the last word bash replaces only what stands behind such a character; a @ itself it replaces, too.
    breaks=${COMP_WORDBREAKS//[!@:=]/}
    if [[ -n $breaks ]]; then
        before=${word%"${word##*["$breaks"]}"}
        before=${before%@}
    fi
    COMPREPLY=()
    mapfile -t found < <("${words[0]/#\~/$HOME}" /complete "${words[@]:1}" 2>/dev/null)
    case ${found[0]-} in
    /files)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    /dirs)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        ;;
    *)
        found=("${found[@]%%$'\t'*}")
        COMPREPLY=("${found[@]#"$before"}")
        # The name of an instance goes on where its template ends.
        [[ ${#found[@]} -eq 1 && ${found[0]} == *@ ]] && compopt -o nospace 2>/dev/null
        ;;
    esac
}
complete -F _svc svc
