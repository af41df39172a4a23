// Package explore is what a user does who does random things to StatefulSets: a vocabulary of acts, the choice of the next act, and what
// is made of the course that acts take. An act is data: it can be told in words, compiled into requests for an executor or into commands of
// kubectl for a person, saved and carried out again. An Episode is a list of acts, each with the state of the set after which it is due.
//
// The next act is the one that has been seen least in the phase that its set is in, by a random number from a seed: the same seed chooses
// the same acts for the same course of events and the same coverage before it. Shrink drops acts from an episode for as long as what it
// showed is still shown.
//
// It stands on history, contract and the fixtures. No client, no judge and no test framework may enter it: a cluster and a simulator can
// both carry acts out, and what they mean for a guarantee is for judges to say.
package explore
