# Completion of svc for fish. Install it as `svc.fish` in a directory of fish_complete_path, or in config.fish:
#   svc completions fish | source
function __svc_complete
    set -l typed (commandline -ct)
    set -l words (commandline -opc)
    set -l found ($words[1] /complete $words[2..] "$typed" 2>/dev/null)
    switch "$found[1]"
        case /files
            __fish_complete_path "$typed"
        case /dirs
            __fish_complete_directories "$typed"
        case '*'
            printf '%s\n' $found
    end
end
complete -c svc -f -a '(__svc_complete)'
