"""What the synthetic voices say: calls for help and small talk, in templates of many languages.

`{n}` is a number of one or two digits, `{t}` a telephone number read digit by digit, `{p}` a person.
Japanese is in kana, as espeak-ng reads no kanji.
"""

from __future__ import annotations

import numpy as np

PEOPLE = (
    "Maria", "Anna", "Tanaka", "Sato", "Peter", "Ivan", "Rosa", "Kim", "Ali", "Elena", "Jan", "Marta", "Olga", "Yuki",
    "Hugo", "Nina", "Omar", "Eva", "Hana",
)  # fmt: skip

TEXTS: dict[str, tuple[str, ...]] = {
    "ja": (
        "もしもし、きこえますか。きんきゅうつうほうセンターです。",
        "{p}さん、どうされましたか。むねがくるしいのですね。",
        "すぐにきゅうきゅうしゃをよびます。{n}ふんでつきます。",
        "でんわばんごうは、{t} です。",
        "きょうはあめがふってさむかったので、ずっといえでテレビをみておりました。",
        "たすけて、ころんでしまって、おきあがれないんです。",
        "まごの{p}が、{n}がつ{n}にちにあそびにきます。",
    ),
    "en": (
        "Hello, can you hear me? This is the receiving centre.",
        "{p}, are you hurt? I am sending somebody to you right now.",
        "The neighbours have a key, they will be with you in {n} minutes.",
        "My number is {t}, and I live at number {n}.",
        "I fell in the bathroom and I cannot get up. Please help me.",
        "It is so cold today, I have been sitting in front of the television since {n} o'clock.",
        "Oh dear, I must have pressed the button by mistake, I am so sorry, {p}.",
    ),
    "de": (
        "Guten Tag, hier ist die Notrufzentrale. Was ist passiert?",
        "Bleiben Sie bitte ruhig liegen, {p} kommt in {n} Minuten.",
        "Meine Nummer ist {t}, ich wohne im {n}. Haus links.",
        "Ich bin in der Küche gestürzt und komme nicht mehr hoch.",
        "Heute war es so kalt, dass ich gar nicht hinausgegangen bin.",
    ),
    "fr": (
        "Allô, ici le centre de réception. Est-ce que vous allez bien?",
        "Votre voisine {p} arrive dans {n} minutes, madame.",
        "Mon numéro est le {t}, au {n} rue de la Gare.",
        "Je suis tombée dans l'escalier et j'ai très mal à la jambe.",
        "Il a plu toute la journée, alors je suis restée devant la télévision.",
    ),
    "es": (
        "Buenas tardes, le llamamos de la central. ¿Se ha caído usted?",
        "Ahora mismo mandamos a {p} a su casa, llega en {n} minutos.",
        "Mi número es el {t} y vivo en el piso {n}.",
        "No puedo respirar bien, me duele mucho el pecho.",
        "Ayer vino mi nieto y cocinamos una sopa de pescado muy rica.",
    ),
    "it": (
        "Pronto, qui è la centrale di soccorso. Come si sente?",
        "Mando subito {p}, arriva fra {n} minuti, stia tranquilla.",
        "Il mio numero è {t}, abito al civico {n}.",
        "Sono caduto in giardino e mi fa male la schiena.",
    ),
    "pt": (
        "Boa tarde, fala da central de emergência. O que aconteceu?",
        "A sua vizinha {p} chega em {n} minutos, fique calma.",
        "O meu número é {t}, moro no número {n}.",
        "Caí da cama e não consigo levantar-me sozinha.",
    ),
    "nl": (
        "Goedemiddag, met de alarmcentrale. Kunt u mij horen?",
        "Blijft u rustig liggen, {p} is er over {n} minuten.",
        "Mijn nummer is {t}, ik woon op nummer {n}.",
        "Ik ben gevallen en ik heb erge pijn aan mijn heup.",
    ),
    "sv": (
        "Hej, det här är larmcentralen. Hur mår du?",
        "Jag skickar {p} till dig nu, det tar {n} minuter.",
        "Mitt nummer är {t} och jag bor på nummer {n}.",
        "Jag ramlade i köket och kan inte resa mig.",
    ),
    "pl": (
        "Dzień dobry, tu centrum alarmowe. Czy mnie pani słyszy?",
        "Wysyłamy pomoc, {p} będzie za {n} minut.",
        "Mój numer to {t}, mieszkam pod numerem {n}.",
        "Przewróciłam się w łazience i bardzo boli mnie noga.",
    ),
    "ru": (
        "Здравствуйте, это диспетчерская. Что у вас случилось?",
        "Не волнуйтесь, {p} приедет через {n} минут.",
        "Мой номер {t}, квартира {n}.",
        "Я упала в коридоре и не могу встать, помогите пожалуйста.",
    ),
    "cmn": (
        "您好，这里是接警中心。请问您哪里不舒服？",
        "我们马上派人过去，{n}分钟就到，请不要挂电话。",
        "我的电话号码是{t}，住在{n}号。",
        "我在厨房里摔倒了，站不起来，请帮帮我。",
    ),
    "ko": (
        "여보세요, 응급 센터입니다. 어디가 아프세요?",
        "지금 바로 사람을 보내겠습니다. {n}분 안에 도착합니다.",
        "제 전화번호는 {t}입니다. {n}호에 삽니다.",
        "넘어져서 일어날 수가 없어요. 도와주세요.",
    ),
    "tr": (
        "Merhaba, burası acil çağrı merkezi. Beni duyuyor musunuz?",
        "{p} hemen geliyor, {n} dakika sonra orada olur.",
        "Telefon numaram {t}, kapı numarası {n}.",
        "Banyoda düştüm, kalkamıyorum, lütfen yardım edin.",
    ),
    "fi": (
        "Hei, täällä on hälytyskeskus. Kuuletteko minua?",
        "{p} tulee luoksenne {n} minuutin päästä.",
        "Numeroni on {t}, asun talossa {n}.",
        "Kaaduin keittiössä enkä pääse ylös, auttakaa.",
    ),
    "cs": (
        "Dobrý den, tady tísňové centrum. Slyšíte mě?",
        "{p} bude u vás za {n} minut, zůstaňte v klidu.",
        "Moje číslo je {t}, bydlím v čísle {n}.",
        "Upadla jsem v koupelně a nemůžu vstát.",
    ),
    "el": (
        "Καλησπέρα, εδώ το κέντρο βοήθειας. Με ακούτε;",
        "Η {p} θα είναι εκεί σε {n} λεπτά.",
        "Το τηλέφωνό μου είναι {t}, μένω στο {n}.",
        "Έπεσα στην κουζίνα και δεν μπορώ να σηκωθώ.",
    ),
    "hi": (
        "नमस्ते, यह आपातकालीन केंद्र है। क्या आप मुझे सुन सकते हैं?",
        "मदद {n} मिनट में पहुँच जाएगी, कृपया शांत रहें।",
        "मेरा नंबर {t} है, मकान नंबर {n}।",
        "मैं गिर गई हूँ और उठ नहीं पा रही हूँ।",
    ),
    "ar": (
        "مرحبا، هنا مركز الطوارئ. هل تسمعني؟",
        "المساعدة ستصل خلال {n} دقيقة.",
        "رقم هاتفي {t} وأسكن في رقم {n}.",
        "لقد سقطت في المطبخ ولا أستطيع النهوض.",
    ),
    "id": (
        "Selamat siang, ini pusat darurat. Apakah Anda mendengar saya?",
        "{p} akan datang dalam {n} menit, tolong tenang.",
        "Nomor telepon saya {t}, rumah nomor {n}.",
        "Saya jatuh di kamar mandi dan tidak bisa berdiri.",
    ),
    "vi": (
        "Xin chào, đây là trung tâm khẩn cấp. Bà có nghe tôi không?",
        "Người giúp sẽ đến trong {n} phút nữa.",
        "Số điện thoại của tôi là {t}, nhà số {n}.",
        "Tôi bị ngã trong bếp và không đứng dậy được.",
    ),
    "hu": (
        "Jó napot, itt a segélyhívó központ. Hall engem?",
        "{p} {n} perc múlva ott lesz, maradjon nyugton.",
        "A számom {t}, a {n}-es házban lakom.",
        "Elestem a fürdőszobában, és nem tudok felállni.",
    ),
}


def sentences(language: str, count: int, random: np.random.Generator) -> str:
    """`count` sentences, each from its template."""
    texts = TEXTS[language]
    said = []
    for _ in range(count):
        text = texts[int(random.integers(len(texts)))]
        while "{n}" in text:
            text = text.replace("{n}", str(random.integers(1, 99)), 1)
        number = ", ".join(str(digit) for digit in random.integers(0, 10, 8))
        text = text.replace("{t}", number)
        said.append(text.replace("{p}", str(random.choice(PEOPLE))))
    return " ".join(said)
