package diagnose

import (
	"regexp"
	"strings"
)

// What crun, the runtime of CRI-O and OpenShift, says of a container that it does not start, and what runc says in its place. CRI-O itself refuses a
// memory limit with which no container starts.
var (
	crunNotFound  = regexp.MustCompile("executable file `([^`]+)` not found in \\$PATH.*")
	crunExec      = regexp.MustCompile("exec container process(?: \\(missing dynamic library\\?\\))? `([^`]+)`: (.+)")
	crunNotOpened = regexp.MustCompile("open executable: (?:Permission denied|Operation not permitted)")
	crunDirectory = regexp.MustCompile("chdir(?: to)? `([^`]+)`: (.+)")
	crunMount     = regexp.MustCompile("mount `([^`]+)` to `/?([^`]+)`: (.+)")
	crunMkdir     = regexp.MustCompile("mkdir `([^`]+)`: (.+)")
	crunNoMemory  = regexp.MustCompile(`OOM: the memory limit could be too low|set memory limit \d+ too low`)
)

// asRuncSays returns a runtime's words about a container, in those of runc where they are crun's: what is known of a container that does not start begins
// with runc's. crun does not name a program that may not be executed.
func asRuncSays(message string) string {
	say := func(crun *regexp.Regexp, runc func(m []string) string) bool {
		m := crun.FindStringSubmatch(message)
		if m != nil {
			message = strings.Replace(message, m[0], runc(m), 1)
		}
		return m != nil
	}
	_ = say(crunNotFound, func(m []string) string { return `exec: "` + m[1] + `": executable file not found in $PATH` }) ||
		say(crunExec, func(m []string) string { return "exec " + m[1] + ": " + strings.ToLower(m[2]) }) ||
		say(crunNotOpened, func([]string) string { return `exec: "its program": permission denied` }) ||
		say(crunDirectory, func(m []string) string {
			return `chdir to cwd ("` + m[1] + `") set in config.json failed: ` + strings.ToLower(m[2])
		}) ||
		say(crunMount, func(m []string) string {
			return `error mounting "` + m[1] + `" to rootfs at "/` + m[2] + `": ` + strings.ToLower(m[3])
		}) ||
		say(crunMkdir, func(m []string) string { return "mkdir " + m[1] + ": " + strings.ToLower(m[2]) }) ||
		say(crunNoMemory, func([]string) string { return "memory limit too low" })
	return message
}
