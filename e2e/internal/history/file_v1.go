package history

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// lineV1 is one line of a file of the first format: a mark is an operation without return, outcome and result.
type lineV1 struct {
	Header *Header `json:"header,omitempty"`
	Event  *Event  `json:"event,omitempty"`
	Gap    *Gap    `json:"gap,omitempty"`
	Mark   *markV1 `json:"mark,omitempty"`
	Check  *Check  `json:"check,omitempty"`
	End    *endV1  `json:"end,omitempty"`
}

type markV1 struct {
	Seq      int           `json:"seq"`
	At       time.Duration `json:"at"`
	Act      string        `json:"act"`
	Resource Resource      `json:"resource"`
	Name     string        `json:"name"`
	UID      types.UID     `json:"uid"`
	Text     string        `json:"text"`
}

type endV1 struct {
	Seq      int           `json:"seq"`
	At       time.Duration `json:"at"`
	Complete bool          `json:"complete"`
	Reason   string        `json:"reason"`
	Void     bool          `json:"void"`
}

// current returns the line as the current format has it.
func (l *lineV1) current() line {
	out := line{Header: l.Header, Event: l.Event, Gap: l.Gap, Check: l.Check}
	if m := l.Mark; m != nil {
		out.Operation = &Operation{
			Seq: m.Seq, At: m.At, Verb: verbOf(m.Act), Resource: m.Resource, Name: m.Name, UID: m.UID, Outcome: Unknown, Text: m.Text,
		}
	}
	if e := l.End; e != nil {
		out.End = &End{Seq: e.Seq, At: e.At, Complete: e.Complete, Reason: e.Reason, Invalid: e.Void}
	}
	return out
}

// verbOf returns the verb that stands for an act of the first format.
func verbOf(act string) Verb {
	switch act {
	case "":
		return VerbOther
	case "hold":
		return VerbBlockReadiness
	case "release":
		return VerbUnblockReadiness
	case "lose":
		return VerbStopNode
	case "return":
		return VerbStartNode
	case "fence":
		return VerbFenceNode
	}
	return Verb(act)
}
