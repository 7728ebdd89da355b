/// `/etc/profile` of a machine: says at login when it ends, and keeps the time that is left in prompt and
/// environment.
enum ShellProfile {
  static let text = #"""
    export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
    if [ -n "$BASH_VERSION" ]; then
      turnpike_left() {
        local end now
        read -r end 2>/dev/null < /run/lease/deadline
        printf -v now '%(%s)T' -1
        export TURNPIKE_END=${end%.*}
        export TURNPIKE_MINUTES_LEFT=$(( (TURNPIKE_END - now + 59) / 60 ))
      }
      turnpike_left
      case $- in *i*)
        PROMPT_COMMAND=turnpike_left
        PS1='\u@\h:\w [${TURNPIKE_MINUTES_LEFT}m]\$ '
        TZ=UTC printf 'This machine ends at %(%Y-%m-%d %H:%M)T UTC, in %d minutes.\n' \
          "$TURNPIKE_END" "$TURNPIKE_MINUTES_LEFT"
      esac
    fi

    """#
}
