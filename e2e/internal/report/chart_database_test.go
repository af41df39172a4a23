package report

import (
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// carried is a history of a database of three, whose leader is lost and followed by another.
func carried() *history.History {
	s := historytest.New()
	s.Running("db", 3, historytest.Claims("data"))
	says := func(member, id, leader string) {
		s.Wait(time.Second)
		s.Member(history.MemberState{Member: member, ID: id, Leader: leader, Version: "3.7.0"})
	}
	value := int64(0)
	put := func() {
		value++
		s.Wait(100 * time.Millisecond)
		s.Client(50*time.Millisecond, history.ClientOperation{Member: "db-0", Verb: history.ClientPut, Key: "a", Value: value})
	}
	says("db-0", "a", "b")
	says("db-1", "b", "b")
	put()
	put()
	says("db-0", "a", "b")
	s.DeleteByTest("db-1")
	s.FinishDeletion("db-1")
	for n := range 3 {
		s.Wait(time.Second)
		s.Client(900*time.Millisecond, history.ClientOperation{Member: "db-0", Verb: history.ClientPut, Key: "a", Value: int64(100 + n), Outcome: history.ClientUnknown})
	}
	put()
	says("db-0", "a", "a")
	s.CreateReady("db-1")
	says("db-1", "b", "a")
	s.Client(0, history.ClientOperation{Member: "db-0", Verb: history.ClientList, Entries: []history.Range{{1, 3}}})
	return s.History()
}

func TestChartOfADatabase(t *testing.T) {
	t.Parallel()
	c := draw(carried(), nil, maxBarsInAll)
	if c.Writes == nil || c.Writes.Most != 2 || !c.Led() {
		t.Fatalf("expected writes and who led, found %+v", c.Writes)
	}
	sum, silent := 0.0, 0
	for _, b := range c.Writes.Bars {
		sum += b.H
		if b.H == 0 {
			silent++
		}
	}
	if want := 1.5 * (writesHeight - 6); sum != want || silent < 3 {
		t.Errorf("expected bars of a height of %g together and some seconds without writes, found %g and %d", want, sum, silent)
	}
	for _, r := range c.Rows {
		if led := len(r.Leads) > 0; led != (r.Name == "db-0" || r.Name == "db-1") {
			t.Errorf("%s: expected db-1 and then db-0 to have led, found %v", r.Name, r.Leads)
		}
	}
	if c := draw(withoutClients(), nil, maxBarsInAll); c.Writes != nil || c.Led() {
		t.Errorf("expected nothing of a database, found %+v", c.Writes)
	}
}

func withoutClients() *history.History {
	s := historytest.New()
	s.Running("web", 1)
	return s.History()
}

func TestDatabaseOfARun(t *testing.T) {
	t.Parallel()
	lost := carried()
	lost.Clients[len(lost.Clients)-1].Entries = []history.Range{{1, 2}}
	replicated, silent := carried(), carried()
	for _, s := range replicated.Members {
		s.Version = "PostgreSQL 17.5"
	}
	silent.Members = nil
	var got []string
	for _, d := range databasesOf([]verdict.JudgedHistory{
		{Carried: judge.Carry(carried())}, {}, {Carried: judge.Carry(replicated)}, {Carried: judge.Carry(lost)}, {Carried: judge.Carry(silent)},
	}) {
		got = append(got, d.String())
	}
	want := []string{
		"carried a database through 1 absence of a member: 3 acknowledged writes in 7 operations, 0 lost, longest pause 4.5 s",
		"carried etcd 3.7.0 through 2 absences of a member: 6 acknowledged writes in 14 operations, 1 lost, longest pause 4.5 s",
		"carried PostgreSQL 17.5 through 1 absence of a member: 3 acknowledged writes in 7 operations, 0 lost, longest pause 4.5 s",
	}
	if !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
	if got := databasesOf([]verdict.JudgedHistory{{}}); got != nil {
		t.Errorf("expected none, found %v", got)
	}
}
