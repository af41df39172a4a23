// Package linear decides whether what clients saw of one register can be explained by one order of their operations that agrees with time, and finds
// a small part that cannot. Package porcupine searches for the order. The package stands on that and the standard library; it knows no database.
package linear
