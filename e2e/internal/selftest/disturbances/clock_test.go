package disturbances

import (
	"bufio"
	"io"
	"testing"
	"time"
)

func TestClockMovesTimes(t *testing.T) {
	for name, c := range map[string]struct {
		by         time.Duration
		json, want string
	}{
		"seconds":        {30 * time.Second, `{"t":"2026-11-30T23:59:45Z","n":1}`, `{"t":"2026-12-01T00:00:15Z","n":1}`},
		"back":           {-30 * time.Second, `{"t":"2026-12-01T00:00:15Z"}`, `{"t":"2026-11-30T23:59:45Z"}`},
		"microseconds":   {30 * time.Second, `{"t":"2026-11-30T11:00:00.123450Z"}`, `{"t":"2026-11-30T11:00:30.123450Z"}`},
		"several":        {time.Second, `["2026-01-01T00:00:00Z","2026-01-01T00:00:01Z"]`, `["2026-01-01T00:00:01Z","2026-01-01T00:00:02Z"]`},
		"null":           {time.Second, `{"t":null}`, `{"t":null}`},
		"part of a text": {time.Second, `{"m":"since 2026-01-01T00:00:00Z"}`, `{"m":"since 2026-01-01T00:00:00Z"}`},
		"no time":        {time.Second, `{"t":"2026-99-99T00:00:00Z"}`, `{"t":"2026-99-99T00:00:00Z"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(newClock(c.by).move([]byte(c.json))); got != c.want {
				t.Errorf("expected %s, found %s", c.want, got)
			}
		})
	}
}

func TestClockMovesAWatch(t *testing.T) {
	from, sent := io.Pipe()
	body := newClock(time.Minute).body(from)
	lines := bufio.NewReader(body)
	for range 2 { // each is there before the next is sent
		go func() {
			_, _ = io.WriteString(sent, `{"t":"2026-01-01T00:`)
			_, _ = io.WriteString(sent, "00:00Z\"}\n")
		}()
		if got, err := lines.ReadString('\n'); err != nil || got != "{\"t\":\"2026-01-01T00:01:00Z\"}\n" {
			t.Fatalf("expected the event with its time moved, found %q, %v", got, err)
		}
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(sent, "more"); err == nil {
		t.Error("expected what the body is made from to be closed with it")
	}
}
