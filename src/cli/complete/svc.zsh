#compdef svc
# Completion of svc for zsh. Install it as `_svc` in a directory of fpath, or in ~/.zshrc after compinit:
#   source <(svc completions zsh)
_svc() {
    local line name
    local -a found described templates
    found=("${(@f)$("${(Q)words[1]}" /complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    case ${found[1]} in
    '') return 1 ;;
    /files) _files && return ;;
    /dirs) _files -/ && return ;;
    esac
    for line in $found; do
        name=${line%%$'\t'*}
        line="${name//:/\\:}:${line#*$'\t'}"
        # The name of an instance goes on where its template ends.
        if [[ $name == *@ ]]; then
            templates+=("$line")
        else
            described+=("$line")
        fi
    done
    _describe -t services svc described -- templates -S ''
}
# Autoloaded, this file is the body of the function itself.
if [[ ${funcstack[1]} == _svc ]]; then
    _svc "$@"
else
    compdef _svc svc
fi
