package diagnose

import (
	"encoding/json"
	"regexp"
	"strings"
)

// mostQuoted is how much of what a container wrote a line quotes, in bytes.
const mostQuoted = 160

// What lines of logs begin with, how they say that something failed, and what only says where in a program it did.
var (
	logTime  = regexp.MustCompile(`^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d\S*( (?:UTC|[A-Z]{1,3}T)\b)?\]?( \[\d+\])?:? *`)
	fatally  = regexp.MustCompile(`\b(?:FATAL|PANIC|CRITICAL|EMERG)\b|\[(?:fatal|emerg|crit|alert)\]|\b(?i:fatal|panic)(?: error)?: |^Caused by: |^(?:Exception in thread "[^"]*" )?[A-Za-z_$][\w.$]*(?:Exception|Error): |"(?:level|severity)" ?: ?"(?i:fatal|panic|critical)"|\blevel="?(?i:fatal|panic)\b|"s":"F"`)
	failing  = regexp.MustCompile(`\b(?:ERROR|SEVERE)\b|\[(?i:error|err)\]|(?i:error|exception): |"(?:level|severity)" ?: ?"(?i:error)"|\blevel="?(?i:error)\b|"s":"E"`)
	location = regexp.MustCompile(`^(?:at |\.\.\. \d+ more|goroutine \d+ |File "|created by |\S+\((?:0x|\.\.\.|\{)|\S+\.go:\d+)`)
)

// shortened is the end of what a container wrote, which tells more than the beginning.
func shortened(message string) string {
	message = oneLine(message)
	if len(message) <= mostQuoted {
		return message
	}
	end := strings.ToValidUTF8(message[len(message)-mostQuoted:], "")
	_, end, _ = strings.Cut(end, " ")
	return "... " + end
}

// telling is the part of what a container wrote before it ended that says most of why: from the line on whose meaning is known, or else from the last one
// that says that something failed. What programs write after it is often where to read on, or in which line of their source it happened.
func telling(message string) string {
	if whole := oneLine(message); len(whole) <= mostQuoted {
		return whole
	}
	var lines []string
	for line := range strings.Lines(message) {
		if line = logTime.ReplaceAllString(oneLine(line), ""); line != "" {
			lines = append(lines, line)
		}
	}
	from := tellingLine(lines, readLastWords(message))
	if from < 0 {
		return shortened(message)
	}
	said := spoken(lines[from])
	for _, line := range lines[from+1:] {
		if len(said) >= mostQuoted {
			break
		}
		if !location.MatchString(line) {
			said += " " + spoken(line)
		}
	}
	if from > 0 {
		said = "... " + said
	}
	return cut(said)
}

// spoken is what a line in JSON says, as programs write it: its message and its error. Any other line is left as it is.
func spoken(line string) string {
	var fields map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil {
		return line
	}
	var parts []string
	var take func(fields map[string]any)
	take = func(fields map[string]any) {
		for _, key := range []string{"msg", "message", "error", "err", "reason", "detail", "attr", "exception"} {
			switch value := fields[key].(type) {
			case string:
				parts = append(parts, value)
			case map[string]any:
				take(value)
			}
		}
	}
	take(fields)
	if len(parts) == 0 {
		return line
	}
	return oneLine(strings.Join(parts, ": "))
}

// LastLines are the lines of the end of a log that a diagnosis looks at: the last ones, or, where one before them says that something failed, that one and
// some of those after it. A program's stack and what it does on its way out may be longer than what is kept.
func LastLines(text string, most int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) <= most {
		return strings.Join(lines, "\n")
	}
	const near = 10 // Farther from the end, words that are known may be of something that has passed.
	last := lines[max(0, len(lines)-near):]
	from := tellingLine(last, readLastWords(strings.Join(last, "\n")))
	if from >= 0 {
		from += len(lines) - len(last)
	} else {
		from = tellingLine(lines, nil)
	}
	if from < 0 || from >= len(lines)-most {
		return strings.Join(lines[len(lines)-most:], "\n")
	}
	kept := lines[from : from+1 : from+1]
	for _, line := range lines[from+1 : len(lines)-1] {
		if len(kept) < most-1 && !location.MatchString(line) {
			kept = append(kept, line)
		}
	}
	return strings.Join(append(kept, lines[len(lines)-1]), "\n")
}

// tellingLine is the first line that holds words whose meaning is known, the last that says that the program ended of it, or the first of the last ones in
// a row that say that something failed, since one failure leads to the next; -1 if there is none.
func tellingLine(lines []string, known *lastWords) int {
	ends, fails, before := -1, -1, -1
	for i, line := range lines {
		if known != nil && contains(strings.ToLower(line))(known.any...) {
			return i
		}
		if fatally.MatchString(line) {
			ends = i
		}
		if failing.MatchString(line) {
			if fails < 0 || before != i-1 {
				fails = i
			}
			before = i
		}
	}
	if ends >= 0 {
		return ends
	}
	return fails
}

// cut leaves of a quotation what a line can hold.
func cut(said string) string {
	const most = mostQuoted + 40
	if len(said) <= most {
		return said
	}
	said = strings.ToValidUTF8(said[:most], "")
	if at := strings.LastIndexByte(said, ' '); at > 0 {
		said = said[:at]
	}
	return said + " ..."
}
