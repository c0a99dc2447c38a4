// Package privacy says what people's data is and what is done with it: how long each kind is kept, when a person is
// answered, and which role sees which field in which form. All of it is data that a lawyer can read; apart from reading an
// operator's file of rules it is pure.
//
//  1. Data is basic or sensitive (Law 91/2025/QH15). Sensitive are stays in medical facilities, categories that tell of an
//     illness, and what banks know.
//  2. disclosure.txt is the one table of fields: class, and the form in which each role sees it. What is not in it is
//     hidden, from everybody. Every answer that holds a person goes through [Table.Show].
//  3. A sensitive subject has a column of its own, and another one for whoever states a purpose and a case.
//  4. rules.json holds the terms of retention and the deadlines of answers, effective-dated and with their legal basis.
//  5. Whether a role may call a route at all is asked before (package access); here it is what they see then.
package privacy
